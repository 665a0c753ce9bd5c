// Creation of a store: serial, complete, preallocated, then renamed into place (layout.md).

#include <fcntl.h>
#include <hdf5_hl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <numeric>
#include <utility>

#include "claims/real_path.hpp"
#include "core/error.hpp"
#include "core/unfinished.hpp"
#include "store/file_lock.hpp"
#include "store/hdf5.hpp"
#include "store/influence_store.hpp"
#include "store/layout.hpp"
#include "store/replaceable.hpp"

namespace explaind {
namespace {

using hdf5::check;
using hdf5::Handle;
namespace fs = std::filesystem;

/// Builds the file; everything is closed when this is destroyed.
class StoreBuilder {
 public:
  StoreBuilder(const fs::path& path, const StoreSchema& schema)
      : where_(path.string()),
        schema_(schema),
        file_(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, hdf5::unlocked_access().get()),
              H5Fclose, where_, "creating the file"),
        text_(hdf5::text_type(where_)) {}

  void build() {
    scales();
    coordinates();
    for (const Variable& variable : tile_variables(schema_)) add_variable(variable);
    for (const Variable& variable : unit_variables(schema_)) add_zeroed(variable);
    if (!schema_.left_out.empty()) left_out();
    if (!schema_.curve.change.empty()) curve();
    run_log();
    root_attributes();
  }

  /// An id that leaked would let H5Fclose succeed without writing metadata.
  void close() {
    text_ = {};
    if (H5Fget_obj_count(file_.get(), H5F_OBJ_ALL) != 1) {
      throw Error(where_, "an HDF5 identifier was left open", "This is a defect: report it");
    }
    file_.close(where_, "closing the file");
  }

 private:
  Handle create(const std::string& name, hid_t type, const std::vector<hsize_t>& shape) {
    Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr), H5Sclose,
                 where_, "H5Screate_simple");
    Handle list(H5Pcreate(H5P_DATASET_CREATE), H5Pclose, where_, "H5Pcreate");
    check(H5Pset_layout(list.get(), H5D_CONTIGUOUS), where_, "H5Pset_layout");
    check(H5Pset_alloc_time(list.get(), H5D_ALLOC_TIME_EARLY), where_, "H5Pset_alloc_time");
    if (H5Tis_variable_str(type) <= 0) {  // HDF5 insists on a fill value for texts
      check(H5Pset_fill_time(list.get(), H5D_FILL_TIME_NEVER), where_, "H5Pset_fill_time");
    }
    check(H5Pset_obj_track_times(list.get(), false), where_, "H5Pset_obj_track_times");
    return {H5Dcreate2(file_.get(), name.c_str(), type, space.get(), H5P_DEFAULT, list.get(),
                       H5P_DEFAULT),
            H5Dclose, where_, "creating " + name};
  }

  void attribute(hid_t object, const std::string& name, const std::string& value) {
    Handle space(H5Screate(H5S_SCALAR), H5Sclose, where_, "H5Screate");
    Handle made(
        H5Acreate2(object, name.c_str(), text_.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
        H5Aclose, where_, "creating attribute " + name);
    const char* text = value.c_str();
    check(H5Awrite(made.get(), text_.get(), &text), where_, "writing attribute " + name);
  }

  void write_texts(const Handle& dataset, const std::vector<std::string>& values) {
    std::vector<const char*> texts;
    for (const std::string& value : values) texts.push_back(value.c_str());
    check(H5Dwrite(dataset.get(), text_.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, texts.data()), where_,
          "writing");
  }
  Handle texts(const std::string& name, const std::vector<std::string>& values) {
    Handle dataset = create(name, text_.get(), {values.size()});
    write_texts(dataset, values);
    return dataset;
  }
  Handle numbers(const std::string& name, const std::vector<int64_t>& values) {
    Handle dataset = create(name, H5T_STD_I64LE, {values.size()});
    check(H5Dwrite(dataset.get(), H5T_NATIVE_INT64, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
          where_, "writing");
    return dataset;
  }
  /// Makes a one-dimensional dataset the scale of the dimension that has its name.
  void scale(const std::string& name, const Handle& dataset) {
    const std::string within = name.substr(name.rfind('/') + 1);  // its group
    check(H5DSset_scale(dataset.get(), within.c_str()), where_, "H5DSset_scale");
  }
  void counting_scale(const std::string& name) {
    std::vector<int64_t> values(dimension_size(schema_, name));
    std::iota(values.begin(), values.end(), int64_t{0});
    scale(name, numbers(name, values));
  }
  void attach(const Handle& dataset, const std::vector<std::string>& dims) {
    for (unsigned axis = 0; axis < dims.size(); ++axis) {
      Handle dimension(H5Dopen2(file_.get(), dims[axis].c_str(), H5P_DEFAULT), H5Dclose, where_,
                       "opening " + dims[axis]);
      check(H5DSattach_scale(dataset.get(), dimension.get(), axis), where_, "H5DSattach_scale");
    }
  }

  void scales() {
    for (const char* name : {"segment", "sample", "unit", "run"}) counting_scale(name);
    if (schema_.axes.position) counting_scale("position");
    if (schema_.axes.group) scale("group", texts("group", schema_.group_names));
    std::vector<std::string> names;
    for (const Component& component : schema_.components.components()) {
      names.push_back(component.name);
    }
    scale("component", texts("component", names));
    if (schema_.axes.train_sample) counting_scale("train_sample");
    if (schema_.axes.train_group) {
      scale("train_group", texts("train_group", schema_.train_group_names));
    }
    if (schema_.axes.output) scale("output", texts("output", schema_.outputs));
    if (!schema_.dense) return;
    const Handle group(H5Gcreate2(file_.get(), dense_group, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT),
                       H5Gclose, where_, "creating a group");
    for (const std::string& dim : tensor_dimensions(schema_)) counting_scale(dim);
  }

  void coordinates() {
    attach(numbers("step_from", schema_.step_from), {"segment"});
    attach(numbers("step_to", schema_.step_to), {"segment"});
    attach(texts("id", schema_.sample_ids), {"sample"});
    attach(texts(sample_group(), schema_.sample_groups), {"sample"});
    std::vector<std::string> kinds, tensors;
    std::vector<int64_t> layers, heads, indices;
    for (const Component& component : schema_.components.components()) {
      kinds.push_back(component.kind);
      tensors.push_back(component.tensor);
      layers.push_back(component.layer);
      heads.push_back(component.head);
      indices.push_back(component.index);
    }
    attach(numbers("layer", layers), {"component"});
    attach(texts("kind", kinds), {"component"});
    attach(texts("tensor", tensors), {"component"});
    attach(numbers("head", heads), {"component"});
    attach(numbers("index", indices), {"component"});
    if (!schema_.axes.train_sample) return;
    attach(texts("train_id", schema_.train_ids), {"train_sample"});
    attach(texts("train_group_name", schema_.train_groups), {"train_sample"});
  }

  [[nodiscard]] const char* sample_group() const {
    return schema_.axes.group ? "sample_group" : "group";
  }

  /// Names the coordinates along a variable's dimensions, without which xarray takes them for
  /// variables.
  [[nodiscard]] std::string coordinates_of(const std::vector<std::string>& dims) const {
    std::string names;
    for (const std::string& dim : dims) {
      std::string more;
      if (dim == "segment") more = "step_from step_to";
      if (dim == "sample") more = std::string("id ") + sample_group();
      if (dim == "component") more = "layer kind tensor head index";
      if (dim == "train_sample") more = "train_id train_group_name";
      if (dim == "interval") more = "interval_from interval_to";
      if (!more.empty()) names += (names.empty() ? "" : " ") + more;
    }
    return names;
  }

  Handle add_variable(const Variable& variable) {
    std::vector<hsize_t> shape;
    for (const std::string& dim : variable.dims) shape.push_back(dimension_size(schema_, dim));
    Handle dataset = create(variable.name, variable.type, shape);
    attach(dataset, variable.dims);
    attribute(dataset.get(), "long_name", variable.long_name);
    attribute(dataset.get(), "units", variable.units);
    attribute(dataset.get(), "coordinates", coordinates_of(variable.dims));
    if (variable.name == "psi") {
      attribute(dataset.get(), "sign_convention",
                "negative: lowered F; the sum over component is value_to - value_from - residual");
    }
    if (variable.name == "psi_abs" || variable.name == "balance") describe_absolute(dataset);
    if (variable.name.rfind(std::string(dense_group) + "/", 0) == 0) {
      attribute(dataset.get(), "sign_convention",
                "negative: lowered F; the sum over the tensor is psi of its component");
    }
    for (const KeptPart& kept : schema_.parts) {
      if (variable.name == variable_of(kept.part)) describe(kept, dataset);
    }
    return dataset;
  }

  /// |·| does not commute with sums (method.md §3), so a store says which were formed before it.
  void describe_absolute(const Handle& dataset) {
    std::string inside = "train_sample position";
    if (schema_.axes.group) inside += " sample_of_group";
    if (!schema_.axes.group && !schema_.axes.sample) inside += " sample";
    if (schema_.sums_of_steps) inside += " step_of_segment";
    attribute(dataset.get(), "summed_inside_absolute_value", inside);
    attribute(dataset.get(), "summed_outside_absolute_value", "parameter");
    if (!schema_.balance) return;
    attribute(dataset.get(), "parts", "decay: -alpha lambda theta; data: the rest, with rounding");
  }

  void describe(const KeptPart& kept, const Handle& dataset) {
    attribute(dataset.get(), "sign_convention", "negative: lowered F; the parts add up to psi");
    if (!kept.step_index.empty()) attribute(dataset.get(), "step_index", kept.step_index);
    if (kept.assumptions.empty()) return;
    attribute(dataset.get(), "estimated", "1");
    attribute(dataset.get(), "assumptions", kept.assumptions);
  }

  void add_zeroed(const Variable& variable) {
    const Handle dataset = add_variable(variable);
    const std::vector<char> zeros(H5Dget_storage_size(dataset.get()), 0);
    check(H5Dwrite(dataset.get(), variable.type, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros.data()),
          where_, "writing " + variable.name);
  }

  /// Of one dimension, known when the store is made: no unit writes it.
  void add_known(const std::string& name, const std::string& dim, const std::string& long_name,
                 const std::string& unit, const std::vector<double>& values) {
    const Handle dataset = add_variable({name, H5T_IEEE_F64LE, {dim}, long_name, unit});
    check(H5Dwrite(dataset.get(), H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()),
          where_, "writing " + name);
  }

  void left_out() {
    add_known("left_out", "sample", "change of F over the segments that were left out",
              schema_.functional_unit, schema_.left_out);
  }

  /// The whole series, not only the segments that are scored.
  void curve() {
    counting_scale("interval");
    attach(numbers("interval_from", schema_.curve.from), {"interval"});
    attach(numbers("interval_to", schema_.curve.to), {"interval"});
    add_known("interval_change", "interval",
              "sum over samples of |change of F| between neighbouring checkpoints, largest first",
              schema_.functional_unit, schema_.curve.change);
    add_known("explained_share", "interval",
              "share of |change of F| that this interval and those before it hold", "1",
              schema_.curve.explained);
  }

  void run_log() {
    Handle type(H5Tcopy(H5T_C_S1), H5Tclose, where_, "H5Tcopy");
    check(H5Tset_size(type.get(), run_log_width), where_, "H5Tset_size");
    check(H5Tset_strpad(type.get(), H5T_STR_NULLPAD), where_, "H5Tset_strpad");
    const Handle dataset = create("run_log", type.get(), {run_log_entries});
    attach(dataset, {"run"});
    std::string lines(static_cast<size_t>(run_log_entries * run_log_width), '\0');
    const size_t length = std::min<size_t>(schema_.run_log_line.size(), run_log_width - 1);
    lines.replace(0, length, schema_.run_log_line, 0, length);
    check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, lines.data()), where_,
          "writing run_log");
  }

  void root_attributes() {
    Handle root(H5Gopen2(file_.get(), "/", H5P_DEFAULT), H5Gclose, where_, "opening the root");
    attribute(root.get(), "title", "ExPLAIND influence store");
    attribute(root.get(), "store_version", std::to_string(store_version));
    for (const auto& [name, value] : schema_.provenance) attribute(root.get(), name, value);
  }

  std::string where_;
  const StoreSchema& schema_;
  Handle file_, text_;
};

/// Reserves the whole file's blocks now: a sparse file meets a full disk hours later.
void allocate(const fs::path& path) {
  const int descriptor = open(path.c_str(), O_RDWR | O_CLOEXEC);
  struct stat status = {};
  int failure = descriptor < 0 || fstat(descriptor, &status) != 0 ? errno : 0;
  if (failure == 0) failure = posix_fallocate(descriptor, 0, status.st_size);
  if (failure == 0 && fsync(descriptor) != 0) failure = errno;
  if (descriptor >= 0 && ::close(descriptor) != 0 && failure == 0) failure = errno;
  if (failure != 0) {
    throw DataError(path.string(), std::string("cannot be allocated: ") + std::strerror(failure),
                    "Free space, or choose another --store");
  }
}

void sync_directory(const fs::path& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;  // a file system without directory descriptors
  const int failure = fsync(descriptor) != 0 ? errno : 0;
  ::close(descriptor);
  // Some network file systems know no sync of directories.
  if (failure != 0 && failure != EINVAL) {
    throw DataError(directory.string(),
                    std::string("cannot be synced to disk: ") + std::strerror(failure),
                    "The store is there and whole: look after its disk, then use --resume");
  }
}

/// A file that is removed unless it is moved to its place: what was never complete does not stay.
class Unfinished {
 public:
  explicit Unfinished(fs::path path) : path_(std::move(path)) {}
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;
  ~Unfinished() {
    std::error_code ignored;
    if (!moved_) fs::remove(path_, ignored);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }
  void move_to(const fs::path& place) {
    if (std::rename(path_.c_str(), place.c_str()) != 0) {
      throw DataError(place.string(), std::string("cannot be renamed: ") + std::strerror(errno),
                      "Check permissions and space");
    }
    moved_ = true;
  }

 private:
  fs::path path_;
  bool moved_ = false;
};

void require_writable(const fs::path& path, bool overwrite) {
  const fs::path directory = path.has_parent_path() ? path.parent_path() : ".";
  if (!fs::is_directory(directory)) {
    throw DataError(directory.string(), "no such directory", "Create it, or change --store");
  }
  if (access(directory.c_str(), W_OK) != 0) {
    throw DataError(directory.string(), "not writable", "Change its permissions, or --store");
  }
  if (fs::is_directory(path)) throw DataError(path.string(), "is a directory", "Change --store");
  require_replaceable(path, overwrite);
}

}  // namespace

void create_store(const fs::path& path, const StoreSchema& schema, bool overwrite) {
  hdf5::silence();
  const fs::path target = real_path(path);
  require_writable(target, overwrite);
  Unfinished unfinished(unfinished_path(target));
  {
    StoreBuilder builder(unfinished.path(), schema);
    builder.build();
    builder.close();
  }
  allocate(unfinished.path());
  unfinished.move_to(target);
  sync_directory(target.parent_path());
}

}  // namespace explaind
