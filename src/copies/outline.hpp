#pragma once
// What an HDF5 file is made of, but for its numbers: read from one file, changed where a copy is to
// differ, and made again in another (outlined_file.hpp).

#include <hdf5.h>

#include <map>
#include <string>
#include <vector>

#include "store/hdf5.hpp"

namespace explaind {

/// Texts and lists of numbers that a copy has in place of the original's.
struct ChangedAttributes {
  std::map<std::string, std::string> texts;
  std::map<std::string, std::vector<int>> numbers;
};

struct OutlinedDataset {
  std::string path;            ///< "provenance/unit"
  std::string source;          ///< path of the dataset whose type and attributes it has
  std::vector<hsize_t> shape;  ///< empty: one entry
  /// Per axis the paths of its scales, the dimension's own first; that of a scale has its own path
  /// for its first axis.
  std::vector<std::vector<std::string>> scales;
  bool is_scale = false;
  bool stored = true;  ///< false: nobody wrote an entry (a dimension without labels)
  bool wide = false;   ///< an integer that has 64 bits here, whatever it has there
  ChangedAttributes changed = {};

  /// The name of an axis's dimension; empty where there is none.
  [[nodiscard]] std::string dim(size_t axis) const;
  /// The axis of this dimension, or the number of axes.
  [[nodiscard]] size_t axis_of(const std::string& dim) const;
  [[nodiscard]] bool has(const std::string& dim) const { return axis_of(dim) < shape.size(); }
};

/// Another name of an object: a soft link, or a second hard one.
struct OutlinedLink {
  std::string path, target;
  bool soft = true;
};

struct Outline {
  std::vector<std::string> groups;  ///< a group before those in it
  std::vector<OutlinedDataset> datasets;
  std::vector<OutlinedLink> links;
  ChangedAttributes changed = {};  ///< of the file itself

  /// Null where there is none.
  [[nodiscard]] OutlinedDataset* find(const std::string& path);
  [[nodiscard]] const OutlinedDataset* find(const std::string& path) const;
};

/// where: the file, for messages. Throws DataError for what cannot be made again: links to other
/// files, and objects that are neither groups nor datasets.
Outline outline_of(hid_t file, const std::string& where);

}  // namespace explaind
