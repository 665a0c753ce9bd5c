#include "config/report_options.hpp"

#include "config/bindings.hpp"

namespace explaind {

OptionTable option_table(ReportOptions& o) {
  return {
      text_option(
          {"store", "FILE", "the influence store (also as first argument)", Role::command, true},
          o.store),
      text_option({"against", "FILE",
                   "a second store, shown beside it with the differences (also as second argument)",
                   Role::command},
                  o.against),
      text_option({"output", "FILE",
                   "the page to write, complete or not at all: one HTML file that needs no network",
                   Role::command, true},
                  o.output),
      text_option({"figures", "DIR",
                   "also the main figures, as SVG files in this folder: losses, kinds, layers, "
                   "layer_maps, cumulative, components",
                   Role::command},
                  o.figures),
      flag_option(
          {"anonymous", "",
           "leave out host names, paths, samples' ids and texts; groups, steps and names of "
           "tensors stay",
           Role::command},
          o.anonymous),
      flag_option(
          {"overwrite", "", "replace a report, and figures of the same names, that are there",
           Role::command},
          o.overwrite),
  };
}

}  // namespace explaind
