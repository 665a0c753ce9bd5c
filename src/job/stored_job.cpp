#include "job/stored_job.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>

#include "core/counted.hpp"
#include "job/provenance.hpp"
#include "job/sample_tokens.hpp"
#include "store/store_reader.hpp"

namespace explaind {

StoredJob::StoredJob(Job& job, const StoreName& store, const ClaimWait& wait,
                     const Control& control)
    : job_(job), control_(control), claim_(store, wait, job.place().world) {
  job_.prepare(claim_, control_);
  const Communicator& world = job_.place().world;
  schema_ = job_.schema();
  agree(world, [&] { control_.stop.require_down(); });
  open_store();
  agree(world, [&] { writer_.emplace(store.path, schema_, job_.grid().segment_group()); });
}

void StoredJob::open_store() {
  const Communicator& world = job_.place().world;
  const StoreName& store = claim_.name();
  const int64_t units = job_.problem().units.size();
  const std::string hosts = gather_hosts(world);
  agree(world, [&] {
    if (world.rank() != 0) return;
    schema_.provenance = provenance(job_.problem(), hosts, world.size());
    schema_.run_log_line = run_log_line(world.size());
    if (store.resume && std::filesystem::exists(store.path)) {
      require_same_identity(StoreReader(store.path), schema_.provenance);
      StoreRemainder left = resume_store(store.path, schema_);
      const std::string damaged =
          left.damaged == 0 ? "" : fmt::format("; {} damaged, done again", left.damaged);
      control_.listener.say(fmt::format("\nGoing on with {}: {} of {} there{}\n", store.path,
                                        units - static_cast<int64_t>(left.units.size()),
                                        counted(units, "unit is", "units are"), damaged));
      todo_ = std::move(left.units);
    } else {
      const bool readable = schema_.axes.sample && schema_.axes.position;
      const std::string tokens = readable ? sample_tokens(job_.problem()) : "";
      if (!tokens.empty()) schema_.provenance.emplace_back("tokens", tokens);
      create_store(store.path, schema_, store.overwrite);
      for (int64_t unit = 0; unit < units; ++unit) todo_.push_back(unit);
    }
  });
  world.broadcast(todo_, 0);
}

JobEnd StoredJob::run() {
  StoreSink sink(*writer_, claim_);
  JobEnd end = job_.run(todo_, sink, control_);
  agree(job_.place().world, [&] { writer_->close(); });
  return end;
}

}  // namespace explaind
