#pragma once
// Figures of a store as SVG: what the page's main plots show of all samples.

#include <filesystem>
#include <string>
#include <vector>

namespace explaind {

struct NamedFigure {
  std::string name;  ///< of its file, without its ending
  std::string svg;
};

/// F of every group (losses), contributions by kind and by layer (kinds, layers), layer × steps
/// (layer_maps), contributions added up (cumulative), the largest components (components); those
/// for which the store has what they need. `anonymous`: without ids of samples. Throws DataError as
/// report_page does.
std::vector<NamedFigure> store_figures(const std::filesystem::path& store, bool anonymous);

}  // namespace explaind
