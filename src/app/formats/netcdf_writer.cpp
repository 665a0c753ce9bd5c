// netCDF-4, which is HDF5: the form in which stores are.

#include <utility>

#include "app/formats/named_arrays.hpp"
#include "app/formats/writers.hpp"
#include "checkpoint/new_place.hpp"
#include "store/netcdf_file.hpp"

namespace explaind {
namespace {

class NetcdfWriter final : public ResultWriter {
 public:
  NetcdfWriter(const ResultHead& head, const std::filesystem::path& output)
      : arrays_(named_arrays_of(head)),
        place_(output, NewPlace::Kind::file),
        file_(place_.unfinished(),
              {.metadata = uint64_t{1} << 16, .small_data = uint64_t{1} << 16}) {
    std::vector<std::string> dims;
    for (size_t d = 0; d < arrays_.dimensions.size(); ++d) {
      dims.push_back(arrays_.dimensions[d].name);
      if (!has_labels(d)) file_.dimension(dims.back(), arrays_.dimensions[d].size);
    }
    // The labels of a dimension make it, and come before what lies along it.
    for (const bool labels : {true, false}) {
      for (const auto& each : arrays_.coordinates) {
        if ((each.name == dims[each.dimension]) == labels) add(each, dims[each.dimension]);
      }
    }
    for (const NamedArrays::Variable& each : arrays_.variables) {
      file_.variable(each.name, H5T_IEEE_F64LE, dims, NetcdfFile::Until::missing);
      for (const auto& [name, text] : each.attributes) file_.attribute(each.name, name, text);
      file_.fill_attribute(each.name);
    }
    for (const auto& [name, text] : arrays_.attributes) file_.attribute("/", name, text);
  }

  void write(const QueryResult& part) override {
    const uint64_t inner = arrays_.inner();
    hdf5::Slab slab{.start = {done_}, .count = {inner == 0 ? 0 : part.values.size() / inner}};
    for (size_t d = 1; d < arrays_.dimensions.size(); ++d) {
      slab.start.push_back(0);
      slab.count.push_back(arrays_.dimensions[d].size);
    }
    for (const NamedArrays::Variable& each : arrays_.variables) {
      file_.write(each.name, slab, (part.*each.values).data());
    }
    done_ += slab.count.front();
  }

  void finish() override {
    file_.close();
    place_.publish();
  }

 private:
  [[nodiscard]] bool has_labels(size_t dimension) const {
    return std::any_of(
        arrays_.coordinates.begin(), arrays_.coordinates.end(), [&](const auto& each) {
          return each.name == arrays_.dimensions[dimension].name && each.dimension == dimension;
        });
  }
  void add(const NamedArrays::Coordinate& coordinate, const std::string& dim) {
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&coordinate.values)) {
      file_.numbers(coordinate.name, dim, *numbers);
    } else {
      file_.texts(coordinate.name, dim, std::get<std::vector<std::string>>(coordinate.values));
    }
  }

  NamedArrays arrays_;
  NewPlace place_;
  NetcdfFile file_;
  uint64_t done_ = 0;  ///< entries of the first dimension
};

}  // namespace

std::unique_ptr<ResultWriter> netcdf_writer(const ResultHead& head,
                                            const std::filesystem::path& output) {
  return std::make_unique<NetcdfWriter>(head, output);
}

}  // namespace explaind
