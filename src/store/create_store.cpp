// Creation of a store: serial, complete, preallocated, then renamed into place (layout.md).

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "claims/real_path.hpp"
#include "core/error.hpp"
#include "store/hdf5.hpp"
#include "store/influence_store.hpp"
#include "store/label_checksums.hpp"
#include "store/labels.hpp"
#include "store/layout.hpp"
#include "store/netcdf_file.hpp"
#include "store/replaceable.hpp"
#include "store/store_size.hpp"
#include "store/unfinished_file.hpp"

namespace explaind {
namespace {

namespace fs = std::filesystem;

/// Builds the file under its own name.
class StoreBuilder {
 public:
  StoreBuilder(const fs::path& path, const StoreSchema& schema, std::vector<Labels> labels)
      : schema_(schema), labels_(std::move(labels)), file_(path, front_room(schema_, labels_)) {}

  /// What is to be filled once the file is closed.
  std::vector<Blank> build() {
    root_attributes();
    file_.group(provenance_group);
    if (schema_.dense) file_.group(dense_group);
    for (const Labels& each : labels_) add_labels(each);
    if (!schema_.left_out.empty()) left_out();
    if (!schema_.config_change.empty()) config_change();
    if (!schema_.curve.change.empty()) curve();
    documents();
    for (const Variable& variable : unit_filled_variables(schema_)) add_variable(variable);
    if (schema_.dense) link_scalars();
    file_.close();
    return file_.blanks();
  }

 private:
  void add_labels(const Labels& labels) {
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&labels.values)) {
      file_.numbers(labels.name, labels.dim, *numbers);
      file_.attribute(labels.name, "units", "1");
    } else {
      file_.texts(labels.name, labels.dim, std::get<std::vector<std::string>>(labels.values));
    }
    file_.attribute(labels.name, "long_name", labels.long_name);
  }

  /// Nats are no unit to readers that convert units ("nat" is another one there): they get 1.
  void describe(const Variable& variable) {
    const bool nats = variable.unit == "nat";
    file_.attribute(variable.name, "long_name", variable.long_name + (nats ? ", in nats" : ""));
    file_.attribute(variable.name, "units", nats ? "1" : variable.unit);
    if (nats) file_.attribute(variable.name, "unit_name", "nat");
    const std::string coordinates = coordinates_along(labels_beside(variable), variable.dims);
    if (!coordinates.empty()) file_.attribute(variable.name, "coordinates", coordinates);
  }

  /// The labels that a variable's group holds. In `parameter` a tensor's scores have taken the
  /// place of the label that is called so.
  [[nodiscard]] std::vector<Labels> labels_beside(const Variable& variable) const {
    std::vector<Labels> labels = labels_;
    if (variable.name.rfind(std::string(dense_group) + "/", 0) == 0) {
      std::erase_if(labels,
                    [&](const Labels& each) { return is_dense_tensor(schema_, each.name); });
    }
    return labels;
  }

  void add_variable(const Variable& variable) {
    // A mark or a checksum is never missing: none is there yet.
    const bool counts_from_zero =
        variable.name == "committed" || variable.name == "provenance/checksum";
    file_.variable(variable.name, variable.type, variable.dims,
                   counts_from_zero ? NetcdfFile::Until::zeros : NetcdfFile::Until::missing);
    describe(variable);
    if (!counts_from_zero) file_.fill_attribute(variable.name);
    if (variable.name == "psi") {
      sign_convention(variable, "the sum over component is value_to - value_from - residual");
    } else if (variable.name == "psi_abs" || variable.name == "balance") {
      describe_absolute(variable);
    } else if (variable.name.rfind(std::string(dense_group) + "/", 0) == 0) {
      sign_convention(variable, "the sum over the tensor is psi of its component");
    }
    for (const KeptPart& kept : schema_.parts) {
      if (variable.name == variable_of(kept.part)) describe_part(kept, variable);
    }
  }

  void sign_convention(const Variable& variable, const std::string& sum) {
    file_.attribute(variable.name, "sign_convention", "negative: lowered F; " + sum);
  }

  /// |·| does not commute with sums (method.md §3), so a store says which were formed before it.
  void describe_absolute(const Variable& variable) {
    std::string inside = "train_sample position";
    if (schema_.axes.group) inside += " sample_of_group";
    if (!schema_.axes.group && !schema_.axes.sample) inside += " sample";
    if (schema_.sums_of_steps) inside += " step_of_segment";
    file_.attribute(variable.name, "summed_inside_absolute_value", inside);
    file_.attribute(variable.name, "summed_outside_absolute_value", "parameter");
    if (!schema_.balance) return;
    file_.attribute(variable.name, "parts",
                    "decay: -alpha lambda theta; data: the rest, with rounding");
  }

  void describe_part(const KeptPart& kept, const Variable& variable) {
    sign_convention(variable, "the parts add up to psi");
    if (!kept.step_index.empty()) file_.attribute(variable.name, "step_index", kept.step_index);
    if (kept.assumptions.empty()) return;
    file_.attribute(variable.name, "estimated", "1");
    file_.attribute(variable.name, "assumptions", kept.assumptions);
  }

  /// Values that are known when the store is made: no unit writes it.
  void add_known(const Variable& variable, const std::vector<double>& values) {
    file_.doubles(variable.name, variable.dims, values);
    describe(variable);
  }

  void left_out() {
    add_known({"left_out",
               H5T_IEEE_F64LE,
               {"sample"},
               "change of F over the segments that were left out",
               schema_.functional_unit},
              schema_.left_out);
  }

  void config_change() {
    add_known({"config_change",
               H5T_IEEE_F64LE,
               {"segment", "sample"},
               "change of F where a segment begins that the change of config.json alone makes",
               schema_.functional_unit},
              schema_.config_change);
    file_.attribute("config_change", "sign_convention",
                    "negative: lowered F; F of the weights at step_from under the config at "
                    "step_to, less F under their own; value_from is under the config at step_to");
  }

  /// The whole series, not only the segments that are scored.
  void curve() {
    const std::vector<std::string> dims{"interval"};
    add_known({"interval_change", H5T_IEEE_F64LE, dims,
               "sum over samples of |change of F| between neighbouring checkpoints, largest first",
               schema_.functional_unit},
              schema_.curve.change);
    add_known({"explained_share", H5T_IEEE_F64LE, dims,
               "share of |change of F| that this interval and those before it hold", "1"},
              schema_.curve.explained);
  }

  void documents() {
    const std::string group = std::string(provenance_group) + "/";
    for (const auto& [name, text] : schema_.provenance) {
      if (!is_attribute(name, text)) file_.document(group + name, text);
    }
    file_.dimension(group + "run", run_log_entries);
    const size_t longest = run_log_width - 1;
    file_.texts(group + "run_log", group + "run", {schema_.run_log_line.substr(0, longest)},
                run_log_width);
    file_.attribute(group + "run_log", "long_name", "host, ranks and start of each run");
  }

  /// To xarray a group is a dataset of its own: it gets certificates and coordinates under the same
  /// names, but where a parameter is called so.
  void link_scalars() {
    const auto link = [&](const std::string& name) {
      if (is_dense_tensor(schema_, name)) return;
      file_.link(std::string(dense_group) + "/" + name, name);
    };
    link("committed");
    for (const Variable& each : certificate_variables(schema_)) link(each.name);
    for (const Labels& each : labels_) {
      if ((each.dim == "segment" || each.dim == "sample") && each.name != each.dim) {
        link(each.name);
      }
    }
  }

  void root_attributes() {
    file_.attribute("/", "title", "ExPLAIND influence store");
    file_.attribute("/", "Conventions", "CF-1.10");
    file_.attribute("/", "store_version", std::vector<int>{store_version});
    std::string sizes;
    for (const Labels& each : labels_) {
      if (each.name != each.dim || each.name.find('/') != std::string::npos) continue;
      sizes += (sizes.empty() ? "" : " ") + each.name + " " +
               std::to_string(dimension_size(schema_, each.name));
    }
    file_.attribute("/", "sizes", sizes);
    file_.attribute("/", label_checksums_attribute, label_checksums(labels_));
    for (const auto& [name, text] : schema_.provenance) {
      if (is_attribute(name, text)) file_.attribute("/", name, text);
    }
  }

  const StoreSchema& schema_;
  std::vector<Labels> labels_;
  NetcdfFile file_;
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
  std::vector<Labels> labels = labels_of(schema);
  require_storable(labels);
  require_names_apart(schema);
  const fs::path target = real_path(path);
  require_writable(target, overwrite);
  UnfinishedFile unfinished(target);
  preallocate(unfinished.path(),
              StoreBuilder(unfinished.path(), schema, std::move(labels)).build());
  unfinished.move_to_place("The store is there and whole: look after its disk, then use --resume");
}

}  // namespace explaind
