// explaind VERB …: parse, call, and turn errors into one message and an exit code.

#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "app/verbs.hpp"
#include "app/version.hpp"
#include "config/parse.hpp"
#include "core/error.hpp"
#include "core/unexpected.hpp"

namespace {

using namespace explaind;

struct Verb {
  std::string name, usage, summary;
  /// Parses and runs; `world` is there where the verb is collective.
  std::function<int(const Verb&, const std::vector<std::string>&, const Communicator*)> run;
  bool collective = false;
};

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
       true},
      {"plan", "plan --series DIR --samples FILE [options of decompose] [--ranks N] [--losses]",
       "Says what a decomposition will take: memory, bytes, operations, time; on request the "
       "losses\n"
       "at all checkpoints, which say what segments are worth it. Makes no store.",
       verb_of<PlanOptions>("",
                            [](const PlanOptions& options, const Communicator* world) {
                              return run_plan(options, *world);
                            }),
       true},
      {"query", "query STORE [options]", "Slices, sums and groups an influence store.",
       verb_of<QueryOptions>("store", [](const QueryOptions& options,
                                         const Communicator*) { return run_query(options); })},
      {"inspect", "inspect PATH",
       "Shows what is in a series, a checkpoint, a recorded run or an influence store.",
       verb_of<InspectOptions>("path", [](const InspectOptions& options,
                                          const Communicator*) { return run_inspect(options); })},
      {"study", "study exactness --history DIR [options]",
       "Predictions reconstructed from a recorded run's training, against the model's own.\n"
       "One line a quadrature rule: share of equal predictions, KL, largest error of a logit, and "
       "what\nit took. Runs alone or under mpirun with any number of ranks.",
       verb_of<StudyOptions>("study",
                             [](const StudyOptions& options, const Communicator* world) {
                               return run_study(options, *world);
                             }),
       true},
      {"record", "record --text PATHS --series DIR, or record --model NAME --history DIR [options]",
       "Trains a small model and leaves Hugging Face checkpoints, or its whole history.\n"
       "--series: a language model's checkpoints, to decompose segment by segment. --history: "
       "every\n"
       "step's weights, batch and learning rates, a recorded run.",
       verb_of<RecordOptions>("", [](const RecordOptions& options,
                                     const Communicator*) { return run_record(options); })},
  };
}

void print_help() {
  std::cout << "Usage: explaind VERB [options]\n\n"
               "Exact decomposition of what a training trajectory did to a model's behaviour.\n\n";
  for (const Verb& verb : verbs()) {
    std::cout << "  " << verb.name << std::string(12 - verb.name.size(), ' ')
              << verb.summary.substr(0, verb.summary.find('\n')) << "\n";
  }
  std::cout << "\nexplaind VERB --help shows the options of a verb, explaind --version the "
               "versions.\nEXPLAIND_DEBUG=1 in the environment adds stack frames to messages about "
               "faults of the program.\n";
}

/// Under mpirun an error that all ranks see alike is printed by one.
bool prints_errors(const Communicator* world) {
  if (world != nullptr) return world->rank() == 0;
  for (const char* variable : {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"}) {
    if (const char* rank = std::getenv(variable)) return std::string(rank) == "0";
  }
  return true;
}

int run_verb(const Verb& verb, const std::vector<std::string>& arguments,
             const Communicator* world) {
  try {
    return verb.run(verb, arguments, world);
  } catch (const Error& error) {
    if (prints_errors(world)) std::cerr << "error: " << error.what() << "\n";
    return static_cast<int>(error.exit_code());
  } catch (const std::exception& error) {
    if (prints_errors(world)) {
      std::cerr << "error: " << verb.name << ": " << message_of(error) << "\n";
    }
    return static_cast<int>(ExitCode::failure);
  }
}

int usage_error(const std::string& problem) {
  if (prints_errors(nullptr)) {
    std::cerr << "error: " << problem << ". See explaind --help\n";
  }
  return static_cast<int>(ExitCode::usage);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return usage_error("no verb given");
  const std::string word = argv[1];
  if (word == "--help" || word == "-h") {
    print_help();
    return 0;
  }
  if (word == "--version") {
    for (const auto& [name, version] : explaind::versions()) {
      std::cout << name << std::string(16 - name.size(), ' ') << version << "\n";
    }
    return 0;
  }
  for (const Verb& verb : verbs()) {
    if (verb.name != word) continue;
    const std::vector<std::string> arguments(argv + 2, argv + argc);
    if (!verb.collective) {
      speak_before_the_end();
      return run_verb(verb, arguments, nullptr);
    }
    const MpiEnvironment environment(argc, argv);
    speak_before_the_end();
    const Communicator world(MPI_COMM_WORLD);
    const int code = run_verb(verb, arguments, &world);
    // mpirun kills ranks that still work when another has left with an error.
    world.barrier();
    return code;
  }
  return usage_error("unknown verb '" + word + "'");
}
