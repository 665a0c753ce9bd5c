#include "job/stored_job.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>

#include "core/counted.hpp"
#include "job/provenance.hpp"
#include "job/sample_tokens.hpp"
#include "machine/likeness.hpp"
#include "store/store_reader.hpp"

namespace explaind {
namespace {

/// Who began the store, once it is known to be of the same question.
Likeness begun_store(const std::string& path,
                     const std::vector<std::pair<std::string, std::string>>& fresh) {
  const StoreReader there(path);
  require_same_identity(there, fresh);
  return beginner_of(there);
}

/// What is said once where the bits of what is there and of the rest may differ.
std::string note_on(const Likeness& begun, const Likeness& mine) {
  if (begun.build.empty()) {
    return "note: the store does not say which build of the program began it (older ones did "
           "not), so whether this one computes the same bits is not known\n";
  }
  const Unlike differs = unlike(begun, mine);
  if (!differs.any()) return "";
  return fmt::format(
      "note: {} began it; its run_log says that {} went on\n",
      differs.build ? "another build of the program" : "a processor that adds in another order",
      differs.build ? "this one" : mine.host);
}

}  // namespace

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
    claim_.require_held();  // what was prepared may have taken long
    if (world.rank() != 0) return;
    schema_.provenance = provenance(job_.problem(), hosts, world.size());
    const Likeness mine = own_likeness();
    if (store.resume && std::filesystem::exists(store.path)) {
      const Likeness begun = begun_store(store.path, schema_.provenance);
      require_going_on(store.path, begun, mine, store.other_build);
      schema_.run_log_line = run_log_line(world.size(), mine, begun);
      StoreRemainder left = resume_store(store.path, schema_);
      const std::string damaged =
          left.damaged == 0 ? "" : fmt::format("; {} damaged, done again", left.damaged);
      control_.listener.say(fmt::format("\nGoing on with {}: {} of {} there{}\n{}", store.path,
                                        units - static_cast<int64_t>(left.units.size()),
                                        counted(units, "unit is", "units are"), damaged,
                                        note_on(begun, mine)));
      todo_ = std::move(left.units);
    } else {
      const bool readable = schema_.axes.sample && schema_.axes.position;
      const std::string tokens = readable ? sample_tokens(job_.problem()) : "";
      if (!tokens.empty()) schema_.provenance.emplace_back("tokens", tokens);
      schema_.provenance.push_back(begun_by(mine));
      schema_.run_log_line = run_log_line(world.size(), mine, {});
      create_store(store.path, schema_, store.overwrite);
      for (int64_t unit = 0; unit < units; ++unit) todo_.push_back(unit);
    }
  });
  world.broadcast(todo_, 0);
}

JobEnd StoredJob::run() {
  StoreSink sink(*writer_, claim_);
  JobEnd end = job_.run(todo_, sink, control_);
  agree(job_.place().world, [&] {
    sink.require_held();
    writer_->close();
  });
  return end;
}

}  // namespace explaind
