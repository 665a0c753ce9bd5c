#include "app/verb_table.hpp"

#include <iostream>
#include <optional>

#include "app/verbs.hpp"
#include "config/parse.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// Parses into fresh options and calls the verb; prints --help instead where asked.
template <typename Options, typename Call>
auto verb_of(const std::string& positional, Call call) {
  return [positional, call](const Verb& verb, const std::vector<std::string>& arguments,
                            const Communicator* world) {
    Options options;
    const OptionTable table = option_table(options);
    if (parse_options(verb.name, arguments, table, positional, all_option_names()).help) {
      if (world == nullptr || world->rank() == 0) {
        Options defaults;
        std::cout << help_text("explaind " + verb.usage, verb.summary, option_table(defaults));
      }
      return static_cast<int>(ExitCode::done);
    }
    return call(options, world);
  };
}

/// The options that the arguments give. Nothing where something is wrong with them: the verb says
/// so.
template <typename Options>
std::optional<Options> options_of(const std::string& verb, const std::string& positional,
                                  const std::vector<std::string>& arguments) {
  Options options;
  try {
    parse_options(verb, arguments, option_table(options), positional, all_option_names());
  } catch (const Error&) {
    return std::nullopt;
  }
  return options;
}

/// Asks `stores` of the options.
template <typename Options, typename Stores>
auto stores_of(const std::string& verb, const std::string& positional, Stores stores) {
  return [verb, positional, stores](const std::vector<std::string>& arguments) {
    const std::optional<Options> options = options_of<Options>(verb, positional, arguments);
    return options ? stores(*options) : std::vector<std::string>{};
  };
}

const std::optional<double>& silence_of(const PlanOptions& options) {
  return options.decompose.silence;
}
template <typename Options>
const std::optional<double>& silence_of(const Options& options) {
  return options.silence;
}

/// What the options say of it.
template <typename Options>
auto watch_of(const std::string& verb, const std::string& positional,
              const std::string& remedy = WatchTerms{}.remedy) {
  return [verb, positional, remedy](const std::vector<std::string>& arguments) {
    WatchTerms terms{.remedy = remedy};
    const std::optional<Options> options = options_of<Options>(verb, positional, arguments);
    if (options) terms.silence = silence_of(*options).value_or(terms.silence);
    return terms;
  };
}

/// A store that is gone on with or replaced; a new one is written by this process.
std::vector<std::string> stores_of_decompose(const DecomposeOptions& options) {
  if (!options.resume && !options.overwrite) return {};
  return {options.store};
}

/// Those that are read, and one that is to be replaced.
std::vector<std::string> stores_of_copy(std::vector<std::string> stores, const std::string& output,
                                        bool overwrite) {
  if (overwrite) stores.push_back(output);
  return stores;
}

}  // namespace

std::vector<Verb> verbs() {
  return {
      {"decompose", "decompose --series DIR --samples FILE --store OUT.h5 [options]",
       "Scores every component of a checkpoint series into an influence store.\n"
       "Each score says how much a component's change on a segment changed a sample's loss. Runs\n"
       "alone or under mpirun with any number of ranks.",
       verb_of<DecomposeOptions>("",
                                 [](const DecomposeOptions& options, const Communicator* world) {
                                   return run_decompose(options, *world);
                                 }),
       true, "", stores_of<DecomposeOptions>("decompose", "", stores_of_decompose), true,
       watch_of<DecomposeOptions>(
           "decompose", "", "what was finished is kept: the same command with --resume goes on")},
      {"plan",
       "plan --series DIR --samples FILE [options of decompose] [--ranks N] [--losses]",
       "Says what a decomposition will take: memory, bytes, operations, time; on request the "
       "losses\n"
       "at all checkpoints, which say what segments are worth it. Makes no store.",
       verb_of<PlanOptions>("",
                            [](const PlanOptions& options, const Communicator* world) {
                              return run_plan(options, *world);
                            }),
       true,
       "",
       {},
       false,
       watch_of<PlanOptions>("plan", "")},
      {"query", "query STORE [options]", "Slices, sums and groups an influence store.",
       verb_of<QueryOptions>("store", [](const QueryOptions& options,
                                         const Communicator*) { return run_query(options); }),
       false, "",
       stores_of<QueryOptions>(
           "query", "store",
           [](const QueryOptions& options) {
             return std::vector<std::string>{options.store, options.minus_store};
           })},
      {"find", "find STORE [--what NAMES] [options]",
       "What stands out in an influence store, with tests: steps at which the mix of "
       "contributions\n"
       "shifts, clusters of samples, components in which groups differ, hand-overs between\n"
       "components; also how few patterns make it up, and the training samples that helped most.",
       verb_of<FindOptions>("store", [](const FindOptions& options,
                                        const Communicator*) { return run_find(options); }),
       false, "",
       stores_of<FindOptions>(
           "find", "store",
           [](const FindOptions& options) { return std::vector<std::string>{options.store}; })},
      {"report", "report STORE [STORE2] -o report.html",
       "Writes one page of HTML that shows an influence store, or two side by side.\n"
       "Losses, who did what and when, how exact it is; every plot with its numbers.",
       verb_of<ReportOptions>(
           "store against",
           [](const ReportOptions& options, const Communicator*) { return run_report(options); }),
       false, "",
       stores_of<ReportOptions>("report", "store against",
                                [](const ReportOptions& options) {
                                  return std::vector<std::string>{options.store, options.against};
                                })},
      {"verify", "verify STORE [--series DIR] [options]",
       "Whether an influence store holds what it must: checksums, sums, flags, coordinates.\n"
       "--series: also against the weights, of which some scores are computed again. Exit code 1\n"
       "where something does not hold. The store is only read; what was found is also kept in\n"
       "STORE.verify.json.",
       verb_of<VerifyOptions>("store",
                              [](const VerifyOptions& options, const Communicator* world) {
                                return run_verify(options, world);
                              }),
       false, "--series",
       stores_of<VerifyOptions>(
           "verify", "store",
           [](const VerifyOptions& options) { return std::vector<std::string>{options.store}; }),
       false, watch_of<VerifyOptions>("verify", "store")},
      {"store repack", "store repack STORE -o OUT [--compression N]",
       "Writes the same store compressed, in chunks.\n"
       "A slice of one sample, of one component or of one segment then reads only its chunks. The "
       "copy\nis read again and compared before it gets its name. It answers as the original does, "
       "and cannot\nbe gone on with.",
       verb_of<RepackOptions>("store", [](const RepackOptions& options,
                                          const Communicator*) { return run_repack(options); }),
       false, "",
       stores_of<RepackOptions>("store repack", "store",
                                [](const RepackOptions& options) {
                                  return stores_of_copy({options.store}, options.output,
                                                        options.overwrite);
                                })},
      {"store merge", "store merge STORE STORE ... -o OUT",
       "Joins stores of the same question: other samples, or other segments of the same series.\n"
       "Both must have been made with the same options from the same weights; every difference is "
       "named.",
       verb_of<MergeOptions>("stores...", [](const MergeOptions& options,
                                             const Communicator*) { return run_merge(options); }),
       false, "",
       stores_of<MergeOptions>("store merge", "stores...",
                               [](const MergeOptions& options) {
                                 return stores_of_copy(options.stores, options.output,
                                                       options.overwrite);
                               })},
      {"inspect", "inspect PATH [--check]",
       "Shows what is in a series, a checkpoint, a recorded run or an influence store.\n"
       "--check: a verdict on a series before it is used, from all its weights; alone or under "
       "mpirun.",
       verb_of<InspectOptions>("path",
                               [](const InspectOptions& options, const Communicator* world) {
                                 return run_inspect(options, world);
                               }),
       false, "--check",
       stores_of<InspectOptions>(
           "inspect", "path",
           [](const InspectOptions& options) { return std::vector<std::string>{options.path}; }),
       false, watch_of<InspectOptions>("inspect", "path")},
      {"study",
       "study exactness --history DIR [options]",
       "Predictions reconstructed from a recorded run's training, against the model's own.\n"
       "One line a quadrature rule: share of equal predictions, KL, largest error of a logit, and "
       "what\nit took. Runs alone or under mpirun with any number of ranks.",
       verb_of<StudyOptions>("study",
                             [](const StudyOptions& options, const Communicator* world) {
                               return run_study(options, *world);
                             }),
       true,
       "",
       {},
       true,
       watch_of<StudyOptions>("study", "study")},
      {"record",
       "record --text PATHS --series DIR, or record --model NAME --history DIR [options]",
       "Trains a small model and leaves Hugging Face checkpoints, or its whole history.\n"
       "--series: a language model's checkpoints, to decompose segment by segment. --history: "
       "every\n"
       "step's weights, batch and learning rates, a recorded run.",
       verb_of<RecordOptions>("", [](const RecordOptions& options,
                                     const Communicator*) { return run_record(options); }),
       false,
       "",
       {},
       true},
      {"tokenize", "tokenize SERIES --samples FILE [--tokenizer DIR] [--json]",
       "Shows the tokens of samples: ids, pieces, what is predicted, and the position of each, as "
       "in\nthe functional logit:POS:ID.",
       verb_of<TokenizeOptions>("series",
                                [](const TokenizeOptions& options, const Communicator*) {
                                  return run_tokenize(options);
                                })},
  };
}

}  // namespace explaind
