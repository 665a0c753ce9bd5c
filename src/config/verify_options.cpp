#include "config/verify_options.hpp"

#include "config/bindings.hpp"

namespace explaind {

OptionTable option_table(VerifyOptions& o) {
  return {
      text_option(
          {"store", "FILE", "the influence store (also as first argument)", Role::command, true},
          o.store),
      optional_text_option(
          {"output", "FILE",
           "where what was found is kept, as JSON; STORE.verify.json if not given", Role::command},
          o.output),
      flag_option({"json", "", "print that JSON in place of the table", Role::command}, o.json),
  };
}

}  // namespace explaind
