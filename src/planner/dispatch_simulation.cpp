#include "planner/dispatch_simulation.hpp"

#include <algorithm>
#include <queue>
#include <unordered_map>
#include <utility>

namespace explaind {
namespace {

constexpr double message_bytes = 64;  ///< with what MPI puts before it

/// Rank 0's thread: one message after another. Where it is idle it looks now and then.
class Server {
 public:
  explicit Server(const MessageTimes& times) : times_(times) {}

  /// When a message that arrives now has been dealt with. Calls come in the order of time.
  double serve(double now, double seconds) {
    free_ = (now >= free_ ? now + times_.look : free_) + seconds;
    return free_;
  }

 private:
  MessageTimes times_;
  double free_ = -1;
};

/// Files of the path as a node has them: read once, one point after another.
class NodeFiles {
 public:
  /// When the point is there for whoever needs it now, and what is read of it for that.
  double need(int64_t point, double now, double bytes, double rate, double& read) {
    const auto known = there_.find(point);
    if (known != there_.end()) return std::max(now, known->second);
    free_ = std::max(now, free_) + bytes / rate;
    read += bytes;
    return there_[point] = free_;
  }

 private:
  std::unordered_map<int64_t, double> there_;
  double free_ = 0;
};

/// A group's ranks on one node.
struct Part {
  int64_t node = 0, ranks = 0;
};

struct Group {
  std::vector<Part> parts;
  int64_t next = 0, end = 0;  ///< of the range it has
  bool in_unit = false;
  double asked = 0;  ///< when rank 0 last said whether to stop
  double asking = 0;
};

class Simulation {
 public:
  Simulation(const SimulatedWork& work, const SimulatedPlace& place)
      : work_(work), place_(place), server_(place.messages), left_(count(work.units)) {
    for (int64_t group = 0; group < place.groups; ++group) {
      Group& made = groups_.emplace_back();
      for (int64_t rank = group * place.shards; rank < (group + 1) * place.shards; ++rank) {
        const int64_t node = rank / place.ranks_of_node;
        if (made.parts.empty() || made.parts.back().node != node) made.parts.push_back({node, 0});
        ++made.parts.back().ranks;
      }
      due_.push({0.0, group});
    }
    const int64_t ranks = place.groups * place.shards;
    files_.resize(static_cast<size_t>((ranks - 1) / place.ranks_of_node + 1));
  }

  SimulatedRun run() {
    double ends = 0;  // of all groups together
    while (!due_.empty()) {
      const auto [now, number] = due_.top();
      due_.pop();
      const double next = advance(number, now);
      Group& group = groups_[static_cast<size_t>(number)];
      if (group.next < group.end || group.in_unit) {
        due_.push({next, number});
      } else {
        ends += next;
        run_.seconds = std::max(run_.seconds, next);
        run_.most_asking = std::max(run_.most_asking, group.asking);
      }
    }
    run_.idle = static_cast<double>(place_.groups) * run_.seconds - ends;
    return run_;
  }

 private:
  static int64_t count(const std::vector<SimulatedUnit>& units) {
    return static_cast<int64_t>(units.size());
  }

  /// What a group does at `now` up to the end of its next unit, or until it is told that there is
  /// none: reports the unit it has finished, asks, reads, computes. When that is.
  double advance(int64_t number, double now) {
    Group& group = groups_[static_cast<size_t>(number)];
    if (group.in_unit) {
      group.in_unit = false;
      if (number > 0) message(group, now, place_.messages.heard);
      ++group.next;
    }
    if (group.next >= group.end) {
      now = ask(group, number, now);
      const int64_t units = units_of_range(left_, place_.groups);
      group.next = count(work_.units) - left_;
      group.end = group.next + units;
      left_ -= units;
      if (units == 0) return now;
    } else if (number == 0 ||
               now - group.asked >= std::chrono::duration<double>(stop_interval).count()) {
      now = ask(group, number, now);
    }
    group.in_unit = true;
    return compute(group, work_.units[static_cast<size_t>(group.next)], now);
  }

  /// Rank 0 answers itself without a message.
  double ask(Group& group, int64_t number, double now) {
    group.asked = now;
    ++run_.requests;
    if (number == 0) return now;
    const double answered = message(group, now, place_.messages.answered) + place_.messages.reply;
    message_between(group);  // the answer
    group.asking += answered - now;
    run_.asking += answered - now;
    return answered;
  }

  double message(const Group& group, double now, double seconds) {
    message_between(group);
    return server_.serve(now, seconds);
  }

  void message_between(const Group& group) {
    if (group.parts.front().node > 0) run_.bytes_between += message_bytes;
  }

  double compute(const Group& group, const SimulatedUnit& unit, double now) {
    const double there = work_.points.empty() ? now : read(group, unit.segment, now);
    const double gathering = gather(group);
    run_.reading += there - now;
    run_.gathering += gathering;
    run_.computing += unit.seconds;
    return there + gathering + unit.seconds;
  }

  /// When a segment's points are there for all of a group, each of whose nodes reads its share.
  double read(const Group& group, int64_t segment, double now) {
    double there = now;
    for (const int64_t point : work_.points[static_cast<size_t>(segment)]) {
      for (const Part& part : group.parts) {
        NodeFiles& files = files_[static_cast<size_t>(part.node)];
        there = std::max(there, files.need(point, now, work_.point_bytes * share(part),
                                           place_.read_rate, run_.bytes_read));
      }
    }
    return there;
  }

  [[nodiscard]] double share(const Part& part) const {
    return static_cast<double>(part.ranks) / static_cast<double>(place_.shards);
  }

  /// Every rank receives from every other: from those of its node through memory, from the rest
  /// over the node's link, which its ranks share. The slowest node counts.
  double gather(const Group& group) {
    if (place_.shards == 1) return 0;
    const auto others = static_cast<double>(place_.shards - 1);
    double slowest = 0;
    for (const Part& part : group.parts) {
      const auto here = static_cast<double>(part.ranks);
      const double inside = work_.gathered * (here - 1) / others, outside = work_.gathered - inside;
      run_.bytes_between += here * outside;
      slowest =
          std::max(slowest, inside * place_.gather_second + here * outside / place_.network_rate);
    }
    return slowest;
  }

  using Due = std::pair<double, int64_t>;  ///< when, and which group
  const SimulatedWork& work_;
  const SimulatedPlace& place_;
  Server server_;
  int64_t left_;
  std::vector<Group> groups_;
  std::vector<NodeFiles> files_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  SimulatedRun run_;
};

}  // namespace

SimulatedRun simulate_dispatch(const SimulatedWork& work, const SimulatedPlace& place) {
  return Simulation(work, place).run();
}

}  // namespace explaind
