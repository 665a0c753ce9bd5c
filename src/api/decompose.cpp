#include "explaind/decompose.hpp"

#include <array>
#include <memory>
#include <optional>
#include <span>

#include "api/errors.hpp"
#include "api/options.hpp"
#include "api/ranks.hpp"
#include "api/subject.hpp"
#include "comm/allotted.hpp"
#include "job/stored_job.hpp"
#include "store/store_reader.hpp"
#include "tensors/thread_team.hpp"

namespace explaind::v1 {
namespace {

class FollowingListener final : public Listener {
 public:
  explicit FollowingListener(const Following& following) : following_(following) {}
  void say(const std::string& lines) override {
    if (following_.said) following_.said(lines);
  }
  void begin(const std::string& /*name*/, int64_t total) override {
    done_ = 0;
    total_ = total;
  }
  void advance(int64_t more, const std::string& /*note*/) override {
    done_ += more;
    if (following_.progressed) following_.progressed(done_, total_);
  }

 private:
  const Following& following_;
  int64_t done_ = 0, total_ = 0;
};

/// Checkpoints are brought for the program's own decompose alone.
DecomposeOptions without_stage(DecomposeOptions options) {
  require_no_stage(options);
  return options;
}

/// A job with what it is made of.
struct MadeJob {
  MadeJob(const Ranks& ranks, const Subject& subject, const Question& asked, const v1::Place& place)
      : options(without_stage(options_of(subject.impl().options, asked, place))),
        share(allotted(ranks.impl().world)),
        team(threads_of(options.threads, share)),
        question(question_of(options)),
        job(make_job(subject.impl().subject, question,
                     place_of(options, ranks.impl().world, share))) {}
  DecomposeOptions options;
  Allotment share;
  ThreadTeam team;
  explaind::Question question;
  std::unique_ptr<Job> job;
};

/// Pairs of segment and sample that missed their tolerance, and those that were kept from it.
std::array<int64_t, 2> missed_and_limited(const StoreReader& store) {
  const std::vector<double> met = store.read("tolerance_met");
  const std::vector<double> limited = store.read("limited_by_precision");
  std::array<int64_t, 2> counts{};
  for (size_t pair = 0; pair < met.size(); ++pair) {
    if (met[pair] != 0) continue;
    ++counts[limited[pair] != 0 ? 1 : 0];
  }
  return counts;
}

}  // namespace

Outcome decompose(const Ranks& ranks, const Subject& subject, const Question& question,
                  const std::string& store, const Running& running) {
  return translated([&] {
    const Communicator& world = ranks.impl().world;
    const MadeJob made(ranks, subject, question, running.place);
    FollowingListener listener(running.following);
    const StopFlag stop(running.following.stop);
    StoredJob stored(*made.job,
                     {.path = store,
                      .overwrite = running.if_there == IfThere::replace,
                      .resume = running.if_there == IfThere::resume,
                      .other_build = running.other_build},
                     {.patience = {},
                      .say = [&](const std::string& line) { listener.say(line + "\n"); },
                      .times = {}},
                     {.stop = stop, .listener = listener});
    const JobEnd end = stored.run();
    Outcome outcome{.stopped = end.stopped};
    std::array<int64_t, 2> counts{};
    agree(world, [&] {
      if (world.rank() != 0 || end.stopped) return;
      counts = missed_and_limited(StoreReader(store));
    });
    world.broadcast(std::span<int64_t>(counts), 0);
    outcome.missed = counts[0];
    outcome.limited = counts[1];
    return outcome;
  });
}

std::vector<std::pair<std::string, std::string>> plan(const Ranks& ranks, const Subject& subject,
                                                      const Question& question,
                                                      const Place& place) {
  return translated([&] {
    const MadeJob made(ranks, subject, question, place);
    agree(ranks.impl().world, [&] { made.job->assume({}); });
    JobCost cost = made.job->cost({.evaluations = {}, .threads = made.team.used(), .nodes = {}});
    cost.lines.insert(cost.lines.begin(), {"job", cost.heading});
    return cost.lines;
  });
}

}  // namespace explaind::v1
