#include "config/copy_options.hpp"

#include <utility>

#include "config/bindings.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

/// zlib's levels.
Option compression_option(Declared declared, int64_t& field) {
  Option option = integer_option(std::move(declared), field, 0);
  option.set = [set = option.set, &field](const std::string& text) {
    set(text);
    if (field > 9) throw UsageError("--compression", text + " is out of range", "Use 0 to 9");
  };
  return option;
}

Option memory_option(std::optional<std::string>& field) {
  return optional_text_option(
      {"memory", "SIZE",
       "memory that copying may take, as 1GiB, at least 16MiB; where not given, what is free",
       Role::command},
      field);
}

}  // namespace

OptionTable option_table(RepackOptions& o) {
  return {
      text_option({"store", "FILE", "the influence store (also as first argument); it is only read",
                   Role::command, true},
                  o.store),
      text_option(
          {"output", "FILE", "the store to write, complete or not at all", Role::command, true},
          o.output),
      compression_option(
          {"compression", "N", "from 0 (chunks as they are) to 9 (smallest, and slow to write)",
           Role::command},
          o.compression),
      memory_option(o.memory),
      flag_option({"overwrite", "", "replace an influence store that is there", Role::command},
                  o.overwrite),
  };
}

OptionTable option_table(MergeOptions& o) {
  return {
      list_option({"stores", "FILES",
                   "two or more influence stores (also as arguments); they are only read",
                   Role::command, true},
                  o.stores),
      text_option(
          {"output", "FILE", "the store to write, complete or not at all", Role::command, true},
          o.output),
      memory_option(o.memory),
      flag_option({"overwrite", "", "replace an influence store that is there", Role::command},
                  o.overwrite),
  };
}

}  // namespace explaind
