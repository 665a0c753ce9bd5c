#include "config/plan_options.hpp"

#include "config/bindings.hpp"

namespace explaind {

OptionTable option_table(PlanOptions& o) {
  OptionTable table = option_table(o.decompose);
  std::erase_if(table, [](const Option& option) { return option.role == Role::command; });
  for (Option& option : table) {
    if (option.name == "store") option.required = false;
  }
  table.push_back(integer_option(
      {"ranks", "N", "ranks that decompose will be started on", Role::execution}, o.ranks, 1));
  table.push_back(number_option({"evaluations", "N",
                                 "assumed of the adaptive rule: gradient evaluations a sample and "
                                 "segment, 9 at least, 10 to 20 as a rule",
                                 Role::execution},
                                o.evaluations, 0));
  return table;
}

}  // namespace explaind
