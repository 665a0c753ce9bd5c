#include "config/verify_options.hpp"

#include "config/bindings.hpp"
#include "config/silence_option.hpp"

namespace explaind {

OptionTable option_table(VerifyOptions& o) {
  return {
      text_option(
          {"store", "FILE", "the influence store (also as first argument)", Role::command, true},
          o.store),
      optional_text_option(
          {"series", "DIR",
           "the series or recorded run that the store was made from: some units are computed "
           "again, in fp64 and by another quadrature rule, and compared",
           Role::command},
          o.series),
      optional_text_option({"samples", "FILE",
                            "with --series: the samples that it was made from; where the store "
                            "says that they were if not given",
                            Role::command},
                           o.samples),
      text_option({"sample", "N%",
                   "with --series: the share of committed units that is computed again, at least "
                   "one unit",
                   Role::command},
                  o.sample),
      integer_option({"seed", "N", "with --series: of the choice of units", Role::command}, o.seed,
                     0),
      integer_option({"threads", "N", "with --series: as decompose takes it", Role::command},
                     o.threads, 0),
      silence_option(o.silence),
      optional_text_option(
          {"output", "FILE",
           "where what was found is kept, as JSON; STORE.verify.json if not given", Role::command},
          o.output),
      flag_option({"json", "", "print that JSON in place of the table", Role::command}, o.json),
  };
}

}  // namespace explaind
