#include "copies/merged_outline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <sstream>

#include "copies/copied_data.hpp"
#include "copies/text_widths.hpp"
#include "core/error.hpp"
#include "store/hdf5_text.hpp"

namespace explaind {
namespace {

using hdf5::Handle;

constexpr const char* unit_dimension = "provenance/unit";

bool is_provenance(const std::string& path) { return path.rfind("provenance/", 0) == 0; }

/// What every store must have: what runs were like differs, and so do lengths of texts.
bool is_compared(const OutlinedDataset& dataset) {
  return dataset.stored && !is_provenance(dataset.path);
}

bool may_be_left_out(const std::string& path) {
  constexpr std::array names{"tokens_from", "tokens_to", "phase_from", "phase_to"};
  return std::find(names.begin(), names.end(), path) != names.end();
}

class OutlineMerger {
 public:
  OutlineMerger(const std::vector<MergeSource>& sources, const MergeAxis& axis)
      : sources_(sources), axis_(axis), merged_{.outline = sources.front().outline, .notes = {}} {}

  MergedOutline run(const std::map<std::string, std::string>& documents, int64_t units) {
    require_mergeable();
    require_same_datasets();
    for (const OutlinedDataset& each : merged_.outline.datasets) {
      if (is_compared(each)) require_alike(each);
    }
    for (OutlinedDataset& each : merged_.outline.datasets) resize(each, units);
    widen_texts();
    for (const auto& [name, text] : documents) set_document("provenance/" + name, text);
    number_dimensions(merged_.outline, first().file.handle.get(), first().name());
    set_sizes();
    return std::move(merged_);
  }

 private:
  [[nodiscard]] const MergeSource& first() const { return sources_.front(); }

  /// What a store says of all of a series cannot be told of a part and the rest.
  void require_mergeable() const {
    if (axis_.name != "segment") return;
    for (const MergeSource& source : sources_) {
      if (source.outline.find("left_out") == nullptr) continue;
      throw DataError(source.name(),
                      "says what the segments left out of its series did (left_out), and other "
                      "stores may hold some of these",
                      "Decompose the segments in one run, or with --steps range:FIRST:LAST each");
    }
  }

  void require_same_datasets() {
    for (const MergeSource& one : sources_) {
      for (const MergeSource& other : sources_) {
        for (const OutlinedDataset& each : one.outline.datasets) {
          if (!is_compared(each) || other.outline.find(each.path) != nullptr) continue;
          leave_out(each.path, one, other);
        }
      }
    }
  }

  void leave_out(const std::string& path, const MergeSource& one, const MergeSource& other) {
    if (!may_be_left_out(path)) {
      throw DataError(one.name(), fmt::format("has {}, and {} has none", path, other.name()),
                      "Merge stores of the same question");
    }
    if (!left_out_.insert(path).second) return;
    merged_.notes.push_back(fmt::format("{} is not kept: {} has none", path, other.name()));
    std::erase_if(merged_.outline.datasets,
                  [&](const OutlinedDataset& each) { return each.path == path; });
    std::erase_if(merged_.outline.links, [&](const OutlinedLink& each) {
      return each.target == path || each.target == "/" + path;
    });
    // Variables name their coordinates.
    for (OutlinedDataset& each : merged_.outline.datasets) drop_coordinate(each, path);
  }

  void drop_coordinate(OutlinedDataset& dataset, const std::string& name) const {
    const Handle source = open_dataset(first().file, dataset.source);
    const auto changed = dataset.changed.texts.find("coordinates");
    const std::string now = changed != dataset.changed.texts.end()
                                ? changed->second
                                : hdf5::read_attribute(source.get(), "coordinates", first().name());
    std::string kept;
    std::istringstream words(now);
    for (std::string word; words >> word;) {
      if (word != name) kept += (kept.empty() ? "" : " ") + word;
    }
    if (kept != now) dataset.changed.texts["coordinates"] = kept;
  }

  /// The same type and axes in every store; the same entries where they are not joined.
  void require_alike(const OutlinedDataset& dataset) const {
    for (auto other = sources_.begin() + 1; other != sources_.end(); ++other) {
      const OutlinedDataset& theirs = *other->outline.find(dataset.path);
      const auto fail = [&](const std::string& how) {
        throw DataError(
            other->name(),
            fmt::format("its {} is not that of {}: {}", dataset.path, first().name(), how),
            "Merge stores of the same question");
      };
      if (theirs.shape.size() != dataset.shape.size()) fail("it has other axes");
      for (size_t axis = 0; axis < dataset.shape.size(); ++axis) {
        const std::string dim = dataset.dim(axis);
        const bool grows = dim == axis_.name || dim == "group" || dim == "position" ||
                           dim.rfind("text_", 0) == 0 || dim.find("/text_") != std::string::npos;
        if (grows || theirs.shape[axis] == dataset.shape[axis]) continue;
        fail(fmt::format("{} entries along {}, and {} there", theirs.shape[axis], dim,
                         dataset.shape[axis]));
      }
      if (is_joined(dataset, axis_)) {
        require_same_class(dataset, *other, fail);
      } else if (!is_of_intervals(dataset) && dataset.path != "position") {
        require_same_entries(dataset, *other, fail);
      }
    }
  }

  /// Integers may have 32 bits in one and 64 in another.
  template <typename Fail>
  void require_same_class(const OutlinedDataset& dataset, const MergeSource& other,
                          const Fail& fail) const {
    const Handle one = type_of(first(), dataset.path), two = type_of(other, dataset.path);
    const bool integers =
        H5Tget_class(one.get()) == H5T_INTEGER && H5Tget_class(two.get()) == H5T_INTEGER;
    if (!integers && H5Tequal(one.get(), two.get()) <= 0) fail("it is stored in another type");
  }

  template <typename Fail>
  void require_same_entries(const OutlinedDataset& dataset, const MergeSource& other,
                            const Fail& fail) const {
    if (!dataset.stored || dataset.shape.empty()) return;
    if (first().store.is_text(dataset.path)) {
      const std::vector<std::string> one = first().store.texts(dataset.path),
                                     two = other.store.texts(dataset.path);
      for (size_t i = 0; i < std::min(one.size(), two.size()); ++i) {
        if (one[i] != two[i])
          fail(fmt::format("entry {} is '{}', and '{}' there", i, two[i], one[i]));
      }
      return;
    }
    const StopFlag never;
    Listener nobody;
    CopyWatch watch(never, nobody);
    const CopyMemory memory;
    if (crc_of_entries(first().file, dataset.path, memory, watch) !=
        crc_of_entries(other.file, dataset.path, memory, watch)) {
      fail("its entries differ");
    }
  }

  [[nodiscard]] static Handle type_of(const MergeSource& source, const std::string& path) {
    return {H5Dget_type(open_dataset(source.file, path).get()), H5Tclose, source.name(),
            "H5Dget_type"};
  }

  /// Of the whole series and all samples: added up.
  [[nodiscard]] bool is_of_intervals(const OutlinedDataset& dataset) const {
    return axis_.name == "sample" && dataset.has("interval");
  }

  void resize(OutlinedDataset& dataset, int64_t units) const {
    for (size_t axis = 0; axis < dataset.shape.size(); ++axis) {
      const std::string dim = dataset.dim(axis);
      if (dim == axis_.name) dataset.shape[axis] = static_cast<hsize_t>(axis_.size);
      if (dim == "position") dataset.shape[axis] = static_cast<hsize_t>(axis_.positions);
      if (dim == unit_dimension) dataset.shape[axis] = static_cast<hsize_t>(units);
      if (is_group_axis(dataset, axis)) dataset.shape[axis] = static_cast<hsize_t>(axis_.groups);
    }
    if (!is_joined(dataset, axis_) ||
        H5Tget_class(type_of(first(), dataset.source).get()) != H5T_INTEGER) {
      return;
    }
    dataset.wide = std::any_of(sources_.begin(), sources_.end(), [&](const MergeSource& each) {
      return each.outline.find(dataset.path) != nullptr &&
             H5Tget_size(type_of(each, dataset.path).get()) == sizeof(int64_t);
    });
  }

  /// A label of groups inside `parameter` too.
  [[nodiscard]] bool is_group_axis(const OutlinedDataset& dataset, size_t axis) const {
    const std::string dim = dataset.dim(axis);
    return axis_.groups > 0 && (dim == "group" || dim == "parameter/group");
  }

  /// As wide as the widest of all stores.
  void widen_texts() {
    std::vector<std::string> names;
    for (const OutlinedDataset& each : merged_.outline.datasets) names.push_back(each.path);
    for (const std::string& name : names) {
      OutlinedDataset& dataset = *merged_.outline.find(name);
      if (!is_joined(dataset, axis_) || !first().store.is_text(name)) continue;
      hsize_t width = 1;
      for (const MergeSource& each : sources_) {
        width = std::max(width, each.outline.find(name)->shape.back());
      }
      set_text_width(merged_.outline, dataset, width, first().name());
    }
  }

  void set_document(const std::string& path, const std::string& text) {
    if (merged_.outline.find(path) == nullptr) {
      add_document(merged_.outline, "provenance/inputs", path);
    }
    set_text_width(merged_.outline, *merged_.outline.find(path), text.size(), first().name());
  }

  void set_sizes() {
    std::string text, name, size;
    std::istringstream words(first().text("sizes"));
    while (words >> name >> size) {
      const OutlinedDataset* scale = merged_.outline.find(name);
      if (scale != nullptr && !scale->shape.empty()) size = std::to_string(scale->shape.front());
      text += (text.empty() ? "" : " ") + name + " " + size;
    }
    merged_.outline.changed.texts["sizes"] = text;
  }

  const std::vector<MergeSource>& sources_;
  const MergeAxis& axis_;
  MergedOutline merged_;
  std::set<std::string> left_out_;
};

}  // namespace

bool is_joined(const OutlinedDataset& dataset, const MergeAxis& axis) {
  for (size_t i = 0; i < dataset.shape.size(); ++i) {
    const std::string dim = dataset.dim(i);
    if (dim == axis.name) return true;
    if (axis.groups > 0 && (dim == "group" || dim == "parameter/group")) return true;
  }
  return false;
}

MergedOutline merged_outline(const std::vector<MergeSource>& sources, const MergeAxis& axis,
                             const std::map<std::string, std::string>& documents, int64_t units) {
  return OutlineMerger(sources, axis).run(documents, units);
}

}  // namespace explaind
