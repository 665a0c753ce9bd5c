#include "config/study_options.hpp"

#include "config/bindings.hpp"
#include "config/grace_option.hpp"
#include "config/silence_option.hpp"

namespace explaind {

OptionTable option_table(StudyOptions& o) {
  constexpr Role identity = Role::identity, execution = Role::execution;
  return {
      text_option({"study", "NAME", "exactness (also as first argument)", Role::command, true},
                  o.study),
      text_option({"history", "DIR", "the recorded run", identity, true}, o.history),
      integer_option(
          {"followed-samples", "N",
           "validation samples whose outputs are reconstructed: the first N, or all there "
           "are",
           identity},
          o.followed_samples, 1),
      list_option(
          {"rules", "LIST",
           "rows of the table: adaptive, gauss:N, midpoint:N; sparsity is of the last", identity},
          o.rules),
      number_option({"tolerance", "REL",
                     "of the adaptive rule, relative to a step's |change| of an output", identity},
                    o.tolerance, 0, 1),
      number_option(
          {"absolute-tolerance", "ABS", "added to it, in the unit of the outputs", identity},
          o.absolute_tolerance, -1e-300),
      integer_option(
          {"first-nodes", "N", "evaluations that a step begins with: 3, 5 or 9", identity},
          o.first_nodes, 3),
      integer_option(
          {"max-nodes", "N", "cap of the nested rule: 9, 17, 33, 65 or 129 evaluations", identity},
          o.max_nodes, 9),
      integer_option({"max-kink-nodes", "N", "cap of bisection at kinks", identity},
                     o.max_kink_nodes, 17),
      optional_integer_option({"max-steps", "N", "only the first N steps of the run", identity},
                              o.steps, 1),
      integer_option(
          {"reports", "N", "lines along the training, evenly spaced, with its end", identity},
          o.reports, 1),
      flag_option({"sparsity", "",
                   "also: predictions from some of the steps, largest change of the outputs first; "
                   "keeps all steps' changes in memory",
                   identity},
                  o.sparsity),
      text_option({"csv", "FILE", "the table as CSV", execution}, o.csv),
      text_option({"json", "FILE", "everything as JSON", execution}, o.json),
      integer_option({"micro-batch", "SAMPLES", "samples that run together", identity},
                     o.micro_batch, 1),
      grace_option(o.grace),
      silence_option(o.silence),
      integer_option({"threads", "N",
                      "threads of a rank, for operations large enough to share; 0: "
                      "OMP_NUM_THREADS, or this rank's part of the processors that the job was "
                      "given",
                      execution},
                     o.threads, 0),
  };
}

}  // namespace explaind
