#include "config/find_options.hpp"

#include "config/bindings.hpp"

namespace explaind {

OptionTable option_table(FindOptions& o) {
  return {
      text_option(
          {"store", "FILE", "the influence store (also as first argument)", Role::command, true},
          o.store),
      list_option({"what", "NAMES",
                   "what is looked for, any of phases, clusters, divergences, handovers, "
                   "structure, training; all of it if not given"},
                  o.what),
      word_option(
          {"over", "NAME", "of phases: the parts whose mix may shift, kind, layer or component"},
          o.over, {"kind", "layer", "component"}),
      list_option({"groups", "NAMES",
                   "of divergences: the groups that are compared, as de,fr; every pair of them, "
                   "or of all if not given"},
                  o.groups),
      selection_option({"select", "NAME=VALUE", "only these entries, as query has it"}, o.select),
      number_option({"level", "P",
                     "chance that anything is found where there is nothing, of all findings of the "
                     "call together"},
                    o.level, 0, 1),
      integer_option({"permutations", "N", "random orders, or drawings, of a test"}, o.permutations,
                     99),
      integer_option({"seed", "N", "of what is drawn"}, o.seed, 0),
      word_option({"format", "NAME", "table or json"}, o.format, {"table", "json"}),
      optional_text_option(
          {"output", "FILE", "write there, complete or not at all; standard output if not given"},
          o.output),
  };
}

}  // namespace explaind
