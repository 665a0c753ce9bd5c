#pragma once
// The variables of an influence store: names, types and dimensions (layout.md). Shared by creation,
// writer and reader.

#include <hdf5.h>

#include <string>
#include <vector>

#include "store/hdf5.hpp"
#include "store/influence_store.hpp"

namespace explaind {

inline constexpr int store_version = 2;         ///< that is written
inline constexpr int oldest_store_version = 1;  ///< that is read
inline constexpr int run_log_entries = 64;
inline constexpr int run_log_width = 256;  ///< bytes of a line

/// The group of what is kept about the runs that wrote the store.
inline constexpr const char* provenance_group = "provenance";

/// The text in `provenance` that says which stores a merged one was made of.
inline constexpr const char* merged_from = "merged_from";

/// Whether something of the schema's provenance is an attribute of the file: what a reader wants to
/// see at once. The rest, and what is too long for an attribute, is a text in the group
/// `provenance`.
bool is_attribute(const std::string& name, const std::string& text);

/// A dataset of the store.
struct Variable {
  std::string name;
  hid_t type;                     ///< as stored
  std::vector<std::string> dims;  ///< names of dimensions
  std::string long_name;
  std::string unit;  ///< "nat", "s", or "1"
};

/// Length of a dimension.
hsize_t dimension_size(const StoreSchema& schema, const std::string& name);

/// The scores that a unit's tile fills, in the order of its checksum: psi, its parts, psi_abs,
/// balance.
std::vector<Variable> score_variables(const StoreSchema& schema);

/// Scores of single scalars where the schema is dense, a variable per tensor of the model, in their
/// order: `parameter/TENSOR`.
std::vector<Variable> dense_variables(const StoreSchema& schema);

/// The group of dense_variables and of the scales of their tensors' axes; "parameter".
extern const char* const dense_group;
/// What an axis of a tensor is called in queries: "row" of its dimension "parameter/row_64"; empty
/// where the dimension is none of these.
std::string tensor_axis(const std::string& dim);
/// The dimensions of the tensors' axes, each once.
std::vector<std::string> tensor_dimensions(const StoreSchema& schema);

/// Whether a tensor of the model has this name, in a schema that is dense: then that of anything
/// else in the group `parameter` gives way.
bool is_dense_tensor(const StoreSchema& schema, const std::string& name);
/// Throws DataError for a tensor that has the name of a dimension along which its scores would lie.
void require_names_apart(const StoreSchema& schema);

/// Variables of what is kept per sample: F and certificates, after the scores.
std::vector<Variable> certificate_variables(const StoreSchema& schema);

/// All variables that a unit fills, in the order of its checksum: scores, scalars, certificates.
std::vector<Variable> tile_variables(const StoreSchema& schema);

/// What the schema says of a part; null where it is not kept.
const KeptPart* kept_part(const StoreSchema& schema, Part part);

/// Where a unit lies in a variable: its segment, its samples where the variable has them, all of
/// the rest.
hdf5::Slab unit_slab(const StoreSchema& schema, const std::vector<std::string>& dims,
                     const Unit& unit);

/// Dimensions of `committed`: without sample where `psi` has none.
std::vector<std::string> committed_dimensions(const StoreSchema& schema);

/// Dimensions of what there is once a unit: its segment, and its place among the segment's units.
std::vector<std::string> unit_dimensions();

/// What is kept about the units themselves: committed, and in `provenance` checksum and seconds.
std::vector<Variable> unit_variables(const StoreSchema& schema);

}  // namespace explaind
