#include "config/parse.hpp"

#include <algorithm>
#include <boost/program_options.hpp>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "config/copy_options.hpp"
#include "config/decompose_options.hpp"
#include "config/find_options.hpp"
#include "config/plan_options.hpp"
#include "config/read_options.hpp"
#include "config/record_options.hpp"
#include "config/report_options.hpp"
#include "config/study_options.hpp"
#include "config/tokenize_options.hpp"
#include "config/verify_options.hpp"
#include "core/error.hpp"
#include "core/file_kind.hpp"
#include "core/nearest_name.hpp"

namespace explaind {
namespace {

namespace po = boost::program_options;

const std::set<std::string> command_line_only{"config",    "help",   "version",
                                              "overwrite", "resume", "other-build"};

po::options_description describe(const OptionTable& table) {
  po::options_description options;
  options.add_options()("help,h", po::bool_switch())("config", po::value<std::string>());
  for (const Option& option : table) {
    // A flag alone means true; --truncate=false takes it back.
    auto* value = po::value<std::vector<std::string>>()->composing();
    if (option.flag()) value->implicit_value({"true"}, "true");
    options.add_options()(option.name == "output" ? "output,o" : option.name.c_str(), value);
  }
  return options;
}

/// A flag before an argument that belongs to nobody, as in `inspect --check SERIES`, does not take
/// it for its value: only "true" and "false" can be one.
std::vector<std::string> with_flags_set(std::vector<std::string> arguments,
                                        const OptionTable& table) {
  for (size_t i = 0; i < arguments.size(); ++i) {
    const bool valued =
        i + 1 < arguments.size() && (arguments[i + 1] == "true" || arguments[i + 1] == "false");
    const bool flag = std::any_of(table.begin(), table.end(), [&](const Option& option) {
      return option.flag() && arguments[i] == "--" + option.name;
    });
    if (flag && !valued) arguments[i] += "=true";
  }
  return arguments;
}

std::string with_commas_kept(const std::string& item) {
  std::string kept;
  for (const char letter : item) kept += letter == ',' ? "\\," : std::string(1, letter);
  return kept;
}

/// What an option was given, and where: FILE:LINE, empty on the command line.
struct Given {
  std::string text, where;
};
using Values = std::map<std::string, Given>;

Values command_line(const std::string& verb, const std::vector<std::string>& arguments,
                    const OptionTable& table, const std::string& positional, ParseResult& result,
                    std::string& config) {
  po::options_description options = describe(table);
  options.add_options()("stray",
                        po::value<std::vector<std::string>>());  // arguments without option
  po::positional_options_description bare;
  std::istringstream in_turn(positional);
  std::string any_number;
  for (std::string name; in_turn >> name;) {
    if (name.ends_with("...")) {
      any_number = name.substr(0, name.size() - 3);
    } else {
      bare.add(name.c_str(), 1);
    }
  }
  bare.add(any_number.empty() ? "stray" : any_number.c_str(), -1);
  po::variables_map map;
  try {
    po::command_line_parser parser(with_flags_set(arguments, table));
    parser.options(options).positional(bare).style(po::command_line_style::default_style &
                                                   ~po::command_line_style::allow_guessing);
    po::store(parser.run(), map);
  } catch (const po::unknown_option& error) {
    std::vector<std::string> names;
    for (const Option& option : table) names.push_back("--" + option.name);
    throw UsageError(
        verb, "unknown option " + error.get_option_name(),
        suggestion(error.get_option_name(), names, "See explaind " + verb + " --help"));
  } catch (const po::error& error) {
    throw UsageError(verb, error.what(), "See explaind " + verb + " --help");
  }
  if (map.count("stray") > 0) {
    throw UsageError(verb, "stray argument " + map["stray"].as<std::vector<std::string>>().front(),
                     "See explaind " + verb + " --help");
  }
  result.help = map["help"].as<bool>();
  if (map.count("config") > 0) config = map["config"].as<std::string>();
  Values values;
  for (const Option& option : table) {
    if (map.count(option.name) == 0) continue;
    auto given = map[option.name].as<std::vector<std::string>>();
    // Each is one item, whatever is in it.
    if (option.name == any_number)
      for (std::string& item : given) item = with_commas_kept(item);
    if (given.size() > 1 && !option.list) {
      throw UsageError("--" + option.name, "given more than once", "Give it once");
    }
    std::string joined = given.front();
    for (size_t i = 1; i < given.size(); ++i) joined += "," + given[i];
    values[option.name] = {joined, ""};
  }
  return values;
}

std::string trimmed(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// The line less its comment, which begins with a # at its start or after a blank: `run#3` has
/// none.
std::string without_comment(const std::string& line) {
  for (size_t i = 0; i < line.size(); ++i) {
    const bool begins = i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t';
    if (line[i] == '#' && begins) return line.substr(0, i);
  }
  return line;
}

/// Refuses what other programs take off a value, and what would be part of it here: quotes around
/// it, and a comment after a semicolon.
std::string plain_value(const std::string& value, const std::string& where) {
  const bool quoted = value.size() > 1 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  if (quoted) {
    throw UsageError(where, "the quotes around " + value + " would be part of the value",
                     "Leave them out: a value may hold blanks");
  }
  if (value.starts_with(";") || value.find(" ;") != std::string::npos) {
    throw UsageError(
        where, "the ; would be part of the value '" + value + "'",
        "Begin a comment with #; a value that holds ' ;' is given on the command line");
  }
  return value;
}

/// `key = value` lines, # comments, no sections.
Values ini_file(const std::string& path, const OptionTable& table,
                const std::vector<std::string>& all_names) {
  std::ifstream in(path);
  if (!in) throw UsageError(path, "cannot be read", "Check --config");
  Values values;
  std::set<std::string> seen;
  int number = 0;
  for (std::string line; std::getline(in, line);) {
    const std::string where = path + ":" + std::to_string(++number);
    if (const auto wide = wide_text(number == 1 ? line : "", path)) {
      throw UsageError(path, "is " + wide->what, wide->remedy);
    }
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);  // an editor's mark
    line = trimmed(without_comment(line));
    if (line.empty()) continue;
    const size_t equals = line.find('=');
    if (line.front() == '[' || equals == std::string::npos) {
      throw UsageError(where, "not `key = value`: '" + line + "'",
                       line.front() == ';' ? "Comments begin with #" : "Sections are not used");
    }
    const std::string key = trimmed(line.substr(0, equals));
    if (command_line_only.contains(key)) {
      throw UsageError(where, "'" + key + "' belongs on the command line", "Remove it");
    }
    if (!seen.insert(key).second)
      throw UsageError(where, "'" + key + "' stands twice", "Remove one");
    const bool mine = std::any_of(table.begin(), table.end(),
                                  [&](const Option& option) { return option.name == key; });
    if (mine) {
      values[key] = {plain_value(trimmed(line.substr(equals + 1)), where), where};
    } else if (std::find(all_names.begin(), all_names.end(), key) == all_names.end()) {
      throw UsageError(where, "unknown key '" + key + "'",
                       suggestion(key, all_names, "configs/README.md lists them"));
    }
  }
  if (in.bad()) throw UsageError(path, "cannot be read", "Check --config");  // a folder, say
  return values;
}

/// An impossible value of a file is told with its line.
void set(const Option& option, const Given& given) {
  try {
    option.set(given.text);
  } catch (const UsageError& error) {
    if (given.where.empty()) throw;
    throw UsageError(given.where, error.what());
  }
}

}  // namespace

ParseResult parse_options(const std::string& verb, const std::vector<std::string>& arguments,
                          const OptionTable& table, const std::string& positional,
                          const std::vector<std::string>& all_names) {
  ParseResult result;
  std::string config;
  Values values = command_line(verb, arguments, table, positional, result, config);
  if (result.help) return result;
  if (!config.empty()) values.merge(ini_file(config, table, all_names));  // the command line's win
  for (const Option& option : table) {
    const auto given = values.find(option.name);
    if (given != values.end()) {
      set(option, given->second);
    } else if (option.required) {
      throw UsageError(verb, "--" + option.name + " is missing",
                       "Give --" + option.name + " " + option.value + " or set it in the INI file");
    }
  }
  return result;
}

std::vector<std::string> all_option_names() {
  PlanOptions plan;  // decompose's and its own
  DecomposeOptions decompose;
  RecordOptions record;
  QueryOptions query;
  FindOptions find;
  ReportOptions report;
  InspectOptions inspect;
  StudyOptions study;
  TokenizeOptions tokenize;
  VerifyOptions verify;
  RepackOptions repack;
  MergeOptions merge;
  std::set<std::string> names;
  for (const OptionTable& table :
       {option_table(plan), option_table(decompose), option_table(record), option_table(query),
        option_table(find), option_table(report), option_table(inspect), option_table(study),
        option_table(tokenize), option_table(verify), option_table(repack), option_table(merge)}) {
    for (const Option& option : table) names.insert(option.name);
  }
  return {names.begin(), names.end()};
}

}  // namespace explaind
