#include "store/layout.hpp"

#include <algorithm>
#include <array>
#include <variant>

#include "core/error.hpp"
#include "scores/certificates.hpp"

namespace explaind {
namespace {

std::vector<std::string> score_dimensions(const Axes& axes) {
  std::vector<std::string> dims{"segment"};
  if (axes.sample) dims.emplace_back("sample");
  if (axes.group) dims.emplace_back("group");
  if (axes.position) dims.emplace_back("position");
  dims.emplace_back("component");
  return dims;
}

std::vector<std::string> with_output(std::vector<std::string> dims, const Axes& axes) {
  if (axes.output) dims.emplace_back("output");
  return dims;
}

std::string long_name(Part part) {
  std::string contribution = "contribution to the change of F";
  switch (part) {
    case Part::decay:
      return contribution + " of weight decay";
    case Part::momentum:
      return contribution + " of the optimizer's momentum";
    case Part::rounding:
      return contribution + " of the update's float rounding";
    case Part::data:
      return contribution + " of training data";
  }
  return contribution;
}

hid_t stored_type(std::vector<double> ScoreTile::* /*member*/) { return H5T_IEEE_F64LE; }
hid_t stored_type(std::vector<int32_t> ScoreTile::* /*member*/) { return H5T_STD_I32LE; }
hid_t stored_type(std::vector<uint8_t> ScoreTile::* /*member*/) { return H5T_STD_I8LE; }

}  // namespace

hsize_t dimension_size(const StoreSchema& schema, const std::string& name) {
  if (name == "segment") return schema.step_from.size();
  if (name == "sample") return schema.sample_ids.size();
  if (name == "group") return schema.group_names.size();
  if (name == "position") return static_cast<hsize_t>(schema.positions);
  if (name == "component") return static_cast<hsize_t>(schema.components.size());
  if (name == "output") return schema.outputs.size();
  if (name == "train_sample") return schema.train_ids.size();
  if (name == "train_group") return schema.train_group_names.size();
  if (name == "provenance/unit") return static_cast<hsize_t>(schema.units.per_segment());
  if (name == "provenance/run") return run_log_entries;
  if (name == "interval") return schema.curve.change.size();
  if (!tensor_axis(name).empty()) return std::stoull(name.substr(name.rfind('_') + 1));
  throw Error(name, "no such dimension", "");
}

bool is_attribute(const std::string& name, const std::string& text) {
  constexpr std::array<const char*, 6> names{"identity", "configuration", "revision",
                                             "created",  "history",       "ranks"};
  constexpr size_t longest = 60000;  // HDF5: 64 KiB with what describes it
  return text.size() <= longest && std::find(names.begin(), names.end(), name) != names.end();
}

const KeptPart* kept_part(const StoreSchema& schema, Part part) {
  const auto found = std::find_if(schema.parts.begin(), schema.parts.end(),
                                  [&](const KeptPart& each) { return each.part == part; });
  return found == schema.parts.end() ? nullptr : &*found;
}

std::vector<Variable> score_variables(const StoreSchema& schema) {
  const Axes& axes = schema.axes;
  const hid_t type = schema.single_precision ? H5T_IEEE_F32LE : H5T_IEEE_F64LE;
  const std::vector<std::string> dims = score_dimensions(axes);
  std::vector<Variable> variables{{"psi", type, with_output(dims, axes),
                                   "signed contribution to the change of F",
                                   schema.functional_unit}};
  for (const Part part : all_parts) {
    if (kept_part(schema, part) == nullptr) continue;
    std::vector<std::string> own = dims;
    if (part == Part::data && axes.train_sample) own.emplace_back("train_sample");
    if (part == Part::data && axes.train_group) own.emplace_back("train_group");
    variables.push_back({variable_of(part), type, with_output(std::move(own), axes),
                         long_name(part), schema.functional_unit});
  }
  if (schema.dense) {
    variables.push_back({"psi_abs", type, with_output(dims, axes),
                         "sum over a tensor's scalars of |contribution|", schema.functional_unit});
  }
  if (schema.balance) {
    variables.push_back({"balance", type, with_output(dims, axes),
                         "sum over a tensor's scalars of |data's contribution| - |decay's|",
                         schema.functional_unit});
  }
  return variables;
}

std::vector<Variable> certificate_variables(const StoreSchema& schema) {
  const std::vector<std::string> of_sample{"segment", "sample"};
  std::vector<Variable> variables;
  for (const Certificate& each : certificates()) {
    variables.push_back(
        {.name = each.name,
         .type = std::visit([](auto member) { return stored_type(member); }, each.of_tile),
         .dims = each.per_output ? with_output(of_sample, schema.axes) : of_sample,
         .long_name = each.long_name,
         .unit = each.unit == nullptr ? schema.functional_unit : each.unit});
  }
  return variables;
}

std::vector<Variable> tile_variables(const StoreSchema& schema) {
  std::vector<Variable> variables = score_variables(schema);
  for (Variable& each : dense_variables(schema)) variables.push_back(std::move(each));
  for (Variable& each : certificate_variables(schema)) variables.push_back(std::move(each));
  return variables;
}

std::vector<std::string> committed_dimensions(const StoreSchema& schema) {
  std::vector<std::string> dims{"segment"};
  if (schema.axes.sample) dims.emplace_back("sample");
  return dims;
}

hdf5::Slab unit_slab(const StoreSchema& schema, const std::vector<std::string>& dims,
                     const Unit& unit) {
  hdf5::Slab part;
  for (const std::string& dim : dims) {
    hsize_t start = 0, count = dimension_size(schema, dim);
    if (dim == "segment") {
      start = static_cast<hsize_t>(unit.segment);
      count = 1;
    } else if (dim == "sample") {
      start = static_cast<hsize_t>(unit.sample_begin);
      count = static_cast<hsize_t>(unit.sample_end - unit.sample_begin);
    } else if (dim == "provenance/unit") {
      start = static_cast<hsize_t>(unit.index % schema.units.per_segment());
      count = 1;
    }
    part.start.push_back(start);
    part.count.push_back(count);
  }
  return part;
}

std::vector<std::string> unit_dimensions() { return {"segment", "provenance/unit"}; }

std::vector<Variable> unit_variables(const StoreSchema& schema) {
  return {
      {"committed", H5T_STD_I8LE, committed_dimensions(schema), "1: written and checked in", "1"},
      {"provenance/checksum", H5T_STD_I32LE, unit_dimensions(),
       "CRC-32 of the unit's bytes as stored, as a signed number", "1"},
      {"provenance/seconds", H5T_IEEE_F64LE, unit_dimensions(), "wall time of the unit", "s"},
  };
}

}  // namespace explaind
