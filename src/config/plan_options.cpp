#include "config/plan_options.hpp"

#include "config/bindings.hpp"

namespace explaind {

OptionTable option_table(PlanOptions& o) {
  OptionTable table = option_table(o.decompose);
  std::erase_if(table, [](const Option& option) { return option.role == Role::command; });
  for (Option& option : table) {
    if (option.name == "store") option.required = false;
  }
  table.push_back(optional_integer_option(
      {"ranks", "N",
       "ranks that decompose will be started on, all on this machine where --nodes does not say "
       "otherwise; those of plan itself where not given",
       Role::execution},
      o.ranks, 1));
  table.push_back(optional_integer_option(
      {"nodes", "M",
       "machines like this one that the ranks will be on: also time, efficiency, memory and bytes "
       "on 1, 2, 4, ... ranks up to these",
       Role::execution},
      o.nodes, 1));
  table.push_back(text_option({"read-rate", "SIZE",
                               "with nodes: of the series, that a node reads in a second while the "
                               "others read too",
                               Role::execution},
                              o.read_rate));
  table.push_back(
      text_option({"network-rate", "SIZE",
                   "with nodes: that a node gets from the others in a second", Role::execution},
                  o.network_rate));
  table.push_back(optional_number_option(
      {"evaluations", "N",
       "gradient evaluations a sample and segment of the adaptive rule; where not given they are "
       "measured on some segments, or where these take too long 12 are assumed",
       Role::execution},
      o.evaluations));
  table.push_back(flag_option({"losses", "",
                               "compute F at every checkpoint, and show how much of its change how "
                               "many segments hold",
                               Role::execution},
                              o.losses));
  table.push_back(optional_text_option(
      {"losses-file", "FILE", "the same, and write F as a CSV file: step, sample, group, value",
       Role::execution},
      o.losses_file));
  return table;
}

}  // namespace explaind
