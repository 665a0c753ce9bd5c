#include "app/decompose_store.hpp"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <iostream>
#include <string>
#include <utility>

#include "app/provenance.hpp"
#include "core/counted.hpp"
#include "store/store_reader.hpp"

namespace explaind {

std::vector<int64_t> prepare_store(const DecomposeJob& job, const DecomposeOptions& options,
                                   StoreSchema& schema, const Communicator& world) {
  const std::string hosts = gather_hosts(world);
  std::vector<int64_t> todo;
  std::string units;
  agree(world, [&] {
    if (world.rank() != 0) return;
    schema.provenance = provenance(options, job, hosts, world.size());
    schema.run_log_line = run_log_line(world.size());
    if (options.resume && std::filesystem::exists(options.store)) {
      require_same_identity(StoreReader(options.store), schema.provenance);
      StoreRemainder left = resume_store(options.store, schema);
      const std::string damaged =
          left.damaged == 0 ? "" : fmt::format("; {} damaged, done again", left.damaged);
      fmt::print("\nGoing on with {}: {} of {} there{}\n", options.store,
                 job.units.size() - static_cast<int64_t>(left.units.size()),
                 counted(job.units.size(), "unit is", "units are"), damaged);
      std::cout.flush();
      todo = std::move(left.units);
    } else {
      create_store(options.store, schema, options.overwrite);
      for (int64_t unit = 0; unit < job.units.size(); ++unit) todo.push_back(unit);
    }
    units.assign(reinterpret_cast<const char*>(todo.data()), todo.size() * sizeof(int64_t));
  });
  world.broadcast(units, 0);
  todo.resize(units.size() / sizeof(int64_t));
  std::memcpy(todo.data(), units.data(), units.size());
  return todo;
}

}  // namespace explaind
