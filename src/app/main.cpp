// explaind VERB …: parse, call, and turn errors into one message and an exit code.

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/stop_signals.hpp"
#include "app/verb_table.hpp"
#include "checkpoint/lost_file.hpp"
#include "comm/alike.hpp"
#include "comm/launcher.hpp"
#include "comm/run_ranks.hpp"
#include "config/parse.hpp"
#include "core/error.hpp"
#include "core/nearest_name.hpp"
#include "core/standard_output.hpp"
#include "core/unexpected.hpp"
#include "job/versions.hpp"
#include "store/damage.hpp"
#include "store/hdf5.hpp"

namespace {

using namespace explaind;

/// The first sentence, or so much of it as fits a line beside the verb's name.
std::string in_a_line(const std::string& summary) {
  std::string sentence = summary.substr(0, summary.find(".\n"));
  std::replace(sentence.begin(), sentence.end(), '\n', ' ');
  sentence = sentence.substr(0, sentence.find(". "));
  constexpr size_t room = 84;
  if (sentence.size() > room) sentence = sentence.substr(0, sentence.find_first_of(";:"));
  return sentence.back() == '.' ? sentence : sentence + ".";
}

void print_help() {
  std::cout << "Usage: explaind VERB [options]\n\n"
               "Exact decomposition of what a training trajectory did to a model's behaviour.\n\n";
  for (const Verb& verb : verbs()) {
    std::cout << "  " << verb.name << std::string(14 - verb.name.size(), ' ')
              << in_a_line(verb.summary) << "\n";
  }
  std::cout << "\nexplaind help VERB (or VERB --help) shows the options of a verb, explaind "
               "--version the\nversions. EXPLAIND_DEBUG=1 in the environment adds stack frames to "
               "messages about\nfaults of the program.\n";
}

void print_versions() {
  for (const auto& [name, version] : versions()) {
    std::cout << name << std::string(16 - name.size(), ' ') << version << "\n";
  }
}

/// Of several tasks one speaks of what all of them see alike; MPI has not begun here.
bool speaks() { return is_first(launched_tasks(std::getenv)); }

/// Runs, and writes out what was printed: a verb is done when that is.
Outcome run_to_the_end(StandardOutput& output, const std::function<int()>& run) {
  return outcome_of([&] {
    const int code = run();
    output.finish();
    return code;
  });
}

/// mpirun ends the job with the first rank that leaves with an error, so it must be the one that
/// has spoken.
int usage_error(const std::string& problem, const std::string& remedy) {
  if (!speaks()) return static_cast<int>(ExitCode::done);
  say_line("error: " + problem + ". " + remedy);
  return static_cast<int>(ExitCode::usage);
}

int unknown_verb(const std::string& word) {
  std::vector<std::string> names{"help"};
  for (const Verb& verb : verbs()) names.push_back(verb.name);
  return usage_error("unknown verb '" + word + "'",
                     suggestion(word, names, "explaind --help lists the verbs"));
}

/// Under mpirun one rank does what needs no others; it would be done and printed as often as there
/// are ranks.
int run_alone(StandardOutput& output, const std::function<int()>& run) {
  if (!speaks()) return static_cast<int>(ExitCode::done);
  name_lost_files();
  const Outcome outcome = run_to_the_end(output, run);
  if (!outcome.error.empty()) say_line(opening(outcome.code) + outcome.error);
  return outcome.code;
}

/// Looked for before MPI and any thread begin, by the one rank that speaks; thrown where all ranks
/// can hear of it.
std::optional<DataError> damage_in(const std::vector<std::string>& stores) {
  if (!speaks()) return std::nullopt;
  for (const std::string& store : stores) {
    if (std::optional<DataError> damage = damage_of(store)) return damage;
  }
  return std::nullopt;
}

std::vector<std::string> stores_of(const Verb& verb, const std::vector<std::string>& arguments) {
  return verb.stores ? verb.stores(arguments) : std::vector<std::string>{};
}

int run_together(StandardOutput& output, const Verb& verb,
                 const std::vector<std::string>& arguments, int argc, char** argv) {
  const std::vector<std::string> stores = stores_of(verb, arguments);
  const std::optional<DataError> damage = damage_in(stores);
  const auto begun = [] {
    speak_before_the_end();  // once more: MPI_Init sets signal handlers of its own
    name_lost_files();
  };
  const WatchTerms watched = verb.watch ? verb.watch(arguments) : WatchTerms{};
  return run_ranks(argc, argv, begun, watched, [&](const Communicator& world) {
    return run_to_the_end(output, [&] {
      require_alike(world, own_likeness());
      if (!stores.empty()) {
        agree(world, [&] {
          if (damage) throw DataError(*damage);
        });
      }
      return verb.run(verb, arguments, &world);
    });
  });
}

/// "help VERB" is "VERB --help"; a verb of two words becomes one of `words`.
std::vector<std::string> words_of(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  const bool help =
      !words.empty() && (words[0] == "help" || words[0] == "--help" || words[0] == "-h");
  if (help) {
    if (words.size() == 1) return {"help"};
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  if (words.size() < 2) return words;
  const std::string both = words[0] + " " + words[1];
  for (const Verb& verb : verbs()) {
    if (verb.name != both) continue;
    words.erase(words.begin());
    words[0] = both;
    break;
  }
  return words;
}

/// The forms of a verb that wants a second word; none where no verb begins with this one.
std::vector<Verb> forms_of(const std::string& word) {
  std::vector<Verb> forms;
  for (const Verb& verb : verbs()) {
    if (verb.name.starts_with(word + " ")) forms.push_back(verb);
  }
  return forms;
}

/// `words` begins with one of them alone, or with a second word that is none of theirs.
int explain_forms(StandardOutput& output, const std::vector<std::string>& words,
                  const std::vector<Verb>& forms) {
  std::string list;
  for (const Verb& verb : forms) list += "\n  explaind " + verb.usage;
  if (words.size() > 1 && (words[1] == "--help" || words[1] == "-h")) {
    return run_alone(output, [&] {
      std::cout << "Usage:" << list << "\n\n";
      for (const Verb& verb : forms) {
        std::cout << verb.name << ": " << in_a_line(verb.summary) << "\n";
      }
      std::cout << "\nexplaind help " << forms.front().name << " shows the options of one.\n";
      return 0;
    });
  }
  return usage_error(words.size() > 1 ? words[0] + ": there is no '" + words[1] + "'"
                                      : words[0] + ": what is to be done is not said",
                     "It has these forms:" + list);
}

bool asks_for_help(const std::vector<std::string>& words) {
  return std::any_of(words.begin() + 1, words.end(),
                     [](const std::string& word) { return word == "--help" || word == "-h"; });
}

bool has(const std::vector<std::string>& words, const std::string& option) {
  return !option.empty() && std::any_of(words.begin(), words.end(), [&](const std::string& word) {
    return word == option || word.rfind(option + "=", 0) == 0;
  });
}

int run(int argc, char** argv) {
  speak_before_the_end();
  StandardOutput output;
  const std::vector<std::string> words = words_of(argc, argv);
  if (words.empty()) return usage_error("no verb given", "explaind --help lists the verbs");
  if (words[0] == "help") {
    return run_alone(output, [] {
      print_help();
      return 0;
    });
  }
  if (words[0] == "--version" || words[0] == "version") {
    return run_alone(output, [] {
      print_versions();
      return 0;
    });
  }
  for (const Verb& verb : verbs()) {
    if (verb.name != words[0]) continue;
    const std::vector<std::string> arguments(words.begin() + 1, words.end());
    if (!asks_for_help(words)) verb.stops ? remember_signals() : end_at_signals();
    hdf5::silence();  // before MPI begins, or HDF5 would close files when MPI ends
    if ((verb.collective || has(words, verb.collective_with)) && !asks_for_help(words)) {
      return run_together(output, verb, arguments, argc, argv);
    }
    return run_alone(output, [&] {
      if (!asks_for_help(words)) {
        if (const auto damage = damage_in(stores_of(verb, arguments))) throw DataError(*damage);
      }
      return verb.run(verb, arguments, nullptr);
    });
  }
  if (const std::vector<Verb> forms = forms_of(words[0]); !forms.empty()) {
    return explain_forms(output, words, forms);
  }
  return unknown_verb(words[0]);
}

}  // namespace

int main(int argc, char** argv) {
  const int code = run(argc, argv);
#ifdef __SANITIZE_ADDRESS__
  return code;  // leaks are looked for at a full end
#else
  // All that is ours is closed. A full end would take LibTorch's thousands of operators apart one
  // by one: a quarter of what a short command takes.
  std::_Exit(code);
#endif
}
