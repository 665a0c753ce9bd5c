#include "store/dense_writer.hpp"

#include <utility>

#include "core/error.hpp"
#include "store/crc32.hpp"

namespace explaind {

DenseWriter::DenseWriter(hid_t file, const StoreSchema& schema, const std::string& where)
    : schema_(&schema), where_(where) {
  std::vector<Variable> variables = dense_variables(schema);
  int64_t before = 0;
  for (size_t i = 0; i < variables.size(); ++i) {
    Variable& variable = variables[i];
    hdf5::Handle handle(H5Dopen2(file, variable.name.c_str(), H5P_DEFAULT), H5Dclose, where,
                        "opening " + variable.name);
    const std::vector<int64_t>& shape = schema.components.parameters()[i].shape;
    Dataset dataset{
        .variable = std::move(variable),
        .handle = std::move(handle),
        .rows = shape.front(),
        .row_scalars = schema.axes.output ? static_cast<int64_t>(schema.outputs.size()) : 1,
        .first = before};
    for (size_t axis = 1; axis < shape.size(); ++axis) dataset.row_scalars *= shape[axis];
    before += dataset.rows * dataset.row_scalars;
    datasets_.push_back(std::move(dataset));
  }
}

void DenseWriter::write(const Unit& unit, const DenseSlice& slice) {
  const Dataset& dataset = datasets_.at(static_cast<size_t>(slice.tensor));
  if (std::cmp_not_equal(slice.scores.size(), slice.count * dataset.row_scalars)) {
    throw Error(where_, "a part of " + dataset.variable.name + " has another size",
                "This is a defect: report it");
  }
  if (slice.count == 0) return;
  hdf5::Slab slab = unit_slab(*schema_, dataset.variable.dims, unit);
  size_t axis = 1;
  const bool has_rows = schema_->axes.sample || schema_->axes.group;
  hsize_t rows = 1;  // of the unit
  if (has_rows) {
    rows = slab.count[axis];
    slab.start[axis] += static_cast<hsize_t>(slice.row);
    slab.count[axis++] = 1;
  }
  slab.start[axis] = static_cast<hsize_t>(slice.first);
  slab.count[axis] = static_cast<hsize_t>(slice.count);
  std::vector<float> narrowed;
  const void* data = slice.scores.data();
  int64_t width = sizeof(double);
  if (schema_->single_precision) {
    narrowed.assign(slice.scores.begin(), slice.scores.end());
    data = narrowed.data();
    width = sizeof(float);
  }
  // Tensors in order, of each the unit's rows, of each the tensor's rows.
  const int64_t place = dataset.first * static_cast<int64_t>(rows) +
                        (slice.row * dataset.rows + slice.first) * dataset.row_scalars;
  RowsChecksum run{.first = place, .bytes = slice.count * dataset.row_scalars * width};
  run.crc =
      crc32_of(static_cast<uint32_t>(crc32_z(0, nullptr, 0)), data, static_cast<size_t>(run.bytes));
  hdf5::write_slab(dataset.handle.get(), dataset.variable.type, slab, data, where_);
  runs_.push_back(run);
}

uLong DenseWriter::checksum(uLong so_far, const Communicator& group) {
  if (datasets_.empty()) return so_far;
  return combined(so_far, group.all_gather(std::exchange(runs_, {})));
}

void DenseWriter::leave_open() noexcept {
  for (Dataset& each : datasets_) each.handle.release();
}

void DenseWriter::close() {
  for (Dataset& dataset : datasets_) dataset.handle.close(where_, "closing");
}

}  // namespace explaind
