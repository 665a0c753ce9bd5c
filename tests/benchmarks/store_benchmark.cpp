// The store's writer against raw writes of the same bytes, by as many ranks:
//   mpirun -n RANKS store_benchmark FOLDER [ROWS SAMPLES UNITS ROUNDS]
// Every rank is a segment group of its own and writes UNITS tiles of SAMPLES × ROWS doubles. Raw:
// one pwrite of each tile's scores into a preallocated file, and fsync. Rounds interleave; the
// median rates and their ratio are printed.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "comm/communicator.hpp"
#include "core/error.hpp"
#include "store/influence_store.hpp"

using namespace explaind;

namespace {

struct Shape {
  int64_t rows = 100'000, samples = 8, units = 16, rounds = 5;
  [[nodiscard]] size_t tile() const { return static_cast<size_t>(rows * samples); }
};

StoreSchema schema_of(const Shape& shape, int ranks) {
  ParameterInfo matrix;
  matrix.name = "matrix";
  matrix.shape = {shape.rows, 1};
  matrix.layer = 0;
  matrix.layer_name = "layer.0";
  matrix.kind = "mlp";
  StoreSchema schema;
  for (int64_t segment = 0; segment < shape.units * ranks; ++segment) {
    schema.step_from.push_back(segment);
    schema.step_to.push_back(segment + 1);
  }
  for (int64_t sample = 0; sample < shape.samples; ++sample) {
    schema.sample_ids.push_back(std::to_string(sample));
    schema.sample_groups.emplace_back();
  }
  schema.components = ComponentTable(Granularity::row, {matrix});
  schema.units = UnitGrid(shape.units * ranks, shape.samples, shape.samples, true);
  schema.functional = "loss";
  schema.functional_unit = "nat";
  return schema;
}

ScoreTile tile_of(const Shape& shape, const Unit& unit) {
  ScoreTile tile;
  const auto samples = static_cast<size_t>(shape.samples);
  tile.unit = unit;
  tile.held = {{.first = 0, .last = shape.samples}};
  tile.psi.assign(shape.tile(), 0.5);
  for (auto* values : {&tile.value_from, &tile.value_to, &tile.residual, &tile.quadrature_error}) {
    values->assign(samples, 1.0);
  }
  tile.node_count.assign(samples, 9);
  tile.tolerance_met.assign(samples, 1);
  tile.limited_by_precision.assign(samples, 0);
  return tile;
}

/// Seconds until all ranks are done.
double timed(const Communicator& world, const std::function<void()>& action) {
  world.barrier();
  const auto start = std::chrono::steady_clock::now();
  action();
  world.barrier();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double write_store(const std::filesystem::path& path, const Shape& shape, const StoreSchema& schema,
                   const Communicator& world) {
  agree(world, [&] {
    if (world.rank() == 0) create_store(path, schema, true);
  });
  StoreWriter writer(path, schema, Communicator::self());
  ScoreTile tile = tile_of(shape, schema.units.unit(0));
  const double seconds = timed(world, [&] {
    for (int64_t i = 0; i < shape.units; ++i) {
      tile.unit = schema.units.unit(world.rank() * shape.units + i);
      writer.write(tile);
    }
  });
  writer.close();
  return seconds;
}

void require(bool done, const std::string& what) {
  if (!done) throw Error("raw file", what + " failed", "");
}

double write_raw(const std::filesystem::path& path, const Shape& shape, const Communicator& world) {
  const size_t bytes = shape.tile() * sizeof(double);
  const auto own = static_cast<off_t>(bytes) * shape.units;
  agree(world, [&] {
    if (world.rank() != 0) return;
    const int made = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    require(made >= 0 && posix_fallocate(made, 0, own * world.size()) == 0 && fsync(made) == 0,
            "creating");
    ::close(made);
  });
  const int file = open(path.c_str(), O_RDWR | O_CLOEXEC);
  require(file >= 0, "opening");
  const std::vector<double> tile(shape.tile(), 0.5);
  const double seconds = timed(world, [&] {
    for (int64_t i = 0; i < shape.units; ++i) {
      const off_t at = own * world.rank() + static_cast<off_t>(bytes) * i;
      require(pwrite(file, tile.data(), bytes, at) == static_cast<ssize_t>(bytes), "pwrite");
      require(fsync(file) == 0, "fsync");
    }
  });
  ::close(file);
  return seconds;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void run(const std::filesystem::path& folder, const Shape& shape, const Communicator& world) {
  const StoreSchema schema = schema_of(shape, world.size());
  const std::filesystem::path store = folder / "store_benchmark.h5",
                              raw = folder / "store_benchmark.raw";
  std::vector<double> with_store, with_raw;
  for (int64_t round = 0; round < shape.rounds; ++round) {
    with_raw.push_back(write_raw(raw, shape, world));
    with_store.push_back(write_store(store, shape, schema, world));
  }
  if (world.rank() != 0) return;
  std::filesystem::remove(store);
  std::filesystem::remove(raw);
  const double bytes = static_cast<double>(shape.tile() * sizeof(double)) *
                       static_cast<double>(shape.units * world.size());
  fmt::print("{} ranks × {} tiles of {:.1f} MB: store {:.0f} MB/s, raw {:.0f} MB/s, ratio {:.2f}\n",
             world.size(), shape.units, static_cast<double>(shape.tile()) * 8e-6,
             bytes / median(with_store) / 1e6, bytes / median(with_raw) / 1e6,
             median(with_raw) / median(with_store));
}

}  // namespace

int main(int argc, char** argv) {
  const MpiEnvironment environment(argc, argv);
  const Communicator world(MPI_COMM_WORLD);
  Shape shape;
  int64_t* const fields[] = {&shape.rows, &shape.samples, &shape.units, &shape.rounds};
  for (int i = 2; i < argc && i < 6; ++i) *fields[i - 2] = std::stoll(argv[i]);
  try {
    run(argc > 1 ? argv[1] : ".", shape, world);
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    abort_job(1);
  }
  return 0;
}
