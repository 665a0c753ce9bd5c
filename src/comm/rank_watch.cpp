#include "comm/rank_watch.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <numeric>
#include <optional>
#include <random>
#include <span>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include "comm/heartbeats.hpp"
#include "comm/host_addresses.hpp"
#include "core/error.hpp"
#include "core/standard_output.hpp"
#include "core/unfinished.hpp"

namespace explaind {
namespace {

constexpr int lost = static_cast<int>(ExitCode::lost);
/// In which MPI_Abort ends this process; it hangs where it waits for a node that is gone.
constexpr auto abort_patience = std::chrono::seconds(5);
/// How long a rank waits to be ended by the one that has spoken,
constexpr auto speaker_first = std::chrono::seconds(2);
/// and that one until the others have heard of it.
constexpr auto others_hear = std::chrono::milliseconds(300);

/// Ends this process, and never returns: other threads may be anywhere, so nothing is cleared away.
/// message: said first, if there is one. It is said beside the clock too, since standard error may
/// be a pipe that nobody reads any more.
[[noreturn]] void end_job(const std::string& message) {
  std::signal(SIGTERM, SIG_IGN);  // mpirun's, which is no request to stop: nothing is said of it
  std::thread([message] {
    if (message.empty()) {
      std::this_thread::sleep_for(speaker_first);
    } else {
      say_line(message);
      std::this_thread::sleep_for(others_hear);
    }
    abort_job(lost);
  }).detach();
  std::this_thread::sleep_for(message.empty() ? abort_patience + speaker_first : abort_patience);
  _exit(lost);
}

std::string words_on(const LostRank& rank, const std::string& remedy) {
  const long seconds = std::lround(rank.seconds);
  const std::string who = fmt::format("rank {} on {}", rank.rank, rank.host);
  const std::string what =
      rank.ended ? fmt::format("{} ended at {}, and the others were not ended with it for {} s",
                               who, rank.since, seconds)
                 : fmt::format(
                       "{} has not been heard since {} ({} s): it stands still, or its "
                       "node or the network to it is down",
                       who, rank.since, seconds);
  return fmt::format("error: {}. The job ends; {}", what, remedy);
}

/// "host\nport\naddress address …"
std::string words_of(const RingPlace& place) {
  return fmt::format("{}\n{}\n{}", place.host, place.port, fmt::join(place.addresses, " "));
}

RingPlace place_of(int rank, const std::string& words) {
  RingPlace place{.rank = rank};
  std::istringstream in(words);
  std::getline(in, place.host);
  in >> place.port;
  for (std::string address; in >> address;) place.addresses.push_back(address);
  return place;
}

std::array<unsigned char, 16> random_token() {
  std::array<unsigned char, 16> token{};
  std::random_device random;
  for (unsigned char& byte : token) byte = static_cast<unsigned char>(random());
  return token;
}

}  // namespace

class RankWatch::Watch {
 public:
  Watch(const Communicator& world, double silence, std::string remedy)
      : remedy_(std::move(remedy)) {
    RingPlace self{.rank = world.rank(), .host = host_name()};
    std::string failure;
    try {
      beats_.emplace();
      self.port = beats_->port();
      self.addresses = in_order_of_trial(host_addresses(), std::getenv);
    } catch (const std::exception& error) {  // the others need not know; they find no port
      failure = error.what();
    }
    const Ring ring = ring_of(world, self);
    if (!failure.empty()) {
      note("this rank is not watched: " + failure);
      return;
    }
    const std::chrono::duration<double> seconds(std::min(silence, 1e6));
    beats_->start(ring, std::chrono::duration_cast<std::chrono::milliseconds>(seconds),
                  {.lost = [this](const LostRank& rank) { end_job(words_on(rank, remedy_)); },
                   .ends = [] { end_job(""); },
                   .note = note});
  }

 private:
  static void note(const std::string& text) { say_line("note: " + text); }

  /// Ranks of one host beside each other, so that a node that is lost leaves one gap. @collective
  static Ring ring_of(const Communicator& world, const RingPlace& self) {
    std::string token(16, '\0');
    const auto random = random_token();
    std::copy(random.begin(), random.end(), token.begin());
    world.broadcast(token, 0);
    const std::vector<std::string> all = world.all_gather(words_of(self));
    std::vector<RingPlace> places;
    for (size_t rank = 0; rank < all.size(); ++rank) {
      places.push_back(place_of(static_cast<int>(rank), all[rank]));
    }
    std::sort(places.begin(), places.end(), [](const RingPlace& a, const RingPlace& b) {
      return std::pair(a.host, a.rank) < std::pair(b.host, b.rank);
    });
    const auto mine = std::find_if(places.begin(), places.end(),
                                   [&](const RingPlace& each) { return each.rank == self.rank; });
    const auto at = static_cast<size_t>(mine - places.begin());
    Ring ring{.self = self,
              .before = places[(at + places.size() - 1) % places.size()],
              .after = places[(at + 1) % places.size()]};
    std::copy(token.begin(), token.end(), ring.token.begin());
    return ring;
  }

  std::string remedy_;
  std::optional<Heartbeats> beats_;
};

RankWatch::RankWatch(const Communicator& world, WatchTerms terms) {
  if (world.size() == 1) return;
  std::array<double, 1> silence{terms.silence};
  world.broadcast(std::span<double>(silence), 0);
  if (silence[0] > 0) watch_ = std::make_unique<Watch>(world, silence[0], std::move(terms.remedy));
}

RankWatch::~RankWatch() = default;

}  // namespace explaind
