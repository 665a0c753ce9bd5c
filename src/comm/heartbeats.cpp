#include "comm/heartbeats.hpp"

#include <fcntl.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/error_code.hpp>
#include <exception>
#include <thread>
#include <utility>

#include "comm/heartbeat_line.hpp"
#include "comm/silence.hpp"
#include "core/utc_time.hpp"

namespace explaind {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using LinePointer = std::shared_ptr<HeartbeatLine>;

constexpr auto greeting_patience = std::chrono::seconds(2);
/// Both neighbours of a lost rank notice it: the one after it lets the one before it speak.
constexpr auto turn = std::chrono::seconds(2);
/// A process that has ended has said why, if it could, and its launcher ends the others: that takes
/// so long.
constexpr auto launcher_patience = std::chrono::seconds(5);
constexpr size_t most_strangers = 8;

/// For IPv6 and IPv4, where the system has both.
tcp::acceptor open_port(asio::io_context& context) {
  error_code failure;
  tcp::acceptor acceptor(context);
  acceptor.open(tcp::v6(), failure);
  if (!failure) acceptor.set_option(asio::ip::v6_only(false), failure);
  if (!failure) acceptor.bind({tcp::v6(), 0}, failure);
  if (failure) {
    acceptor = tcp::acceptor(context, tcp::endpoint(tcp::v4(), 0));
  } else {
    acceptor.listen();
  }
  fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);  // NOLINT: variadic in C
  return acceptor;
}

/// Where a rank may be found from `self`.
std::vector<tcp::endpoint> endpoints_of(const RingPlace& place, const RingPlace& self) {
  std::vector<std::string> addresses = place.addresses;
  if (place.host == self.host) addresses.insert(addresses.begin(), {"127.0.0.1", "::1"});
  std::vector<tcp::endpoint> endpoints;
  for (const std::string& each : addresses) {
    error_code unlike;
    const asio::ip::address address = asio::ip::make_address(each, unlike);
    if (!unlike && place.port != 0) endpoints.emplace_back(address, place.port);
  }
  return endpoints;
}

/// The rank before or after this one.
struct Neighbour {
  RingPlace place;
  LinePointer line;
  Clock::time_point called;  ///< when the line was begun
  Silence silence{{}};
  std::string since;   ///< when it was last heard
  bool known = false;  ///< it has greeted once
  bool left = false;   ///< it has said goodbye
  bool ended = false;  ///< its last line was closed by the other end
  bool noted = false;  ///< that it is not known
};

}  // namespace

class Heartbeats::Impl {
 public:
  Impl() : acceptor_(open_port(context_)), timer_(context_) {}
  ~Impl() {
    if (!thread_.joinable()) return;
    asio::post(context_, [this] {
      for (Neighbour* each : {&after_, &before_}) {
        if (!each->line) continue;
        each->line->say(Word::goodbye);
        each->line->close();
      }
      context_.stop();
    });
    thread_.join();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  [[nodiscard]] uint16_t port() const { return acceptor_.local_endpoint().port(); }

  void start(const Ring& ring, std::chrono::milliseconds silence, HeartbeatEvents events) {
    ring_ = ring;
    events_ = std::move(events);
    silence_ = silence;
    tick_ = std::clamp<Clock::duration>(silence / 20, std::chrono::milliseconds(10),
                                        std::chrono::seconds(1));
    after_.place = ring.after;
    before_.place = ring.before;
    for (Neighbour* each : {&after_, &before_}) each->silence = Silence(2 * tick_);
    endpoints_ = endpoints_of(ring.after, ring.self);
    thread_ = std::thread([this] { run(); });
  }

 private:
  void run() {
    try {
      looked_ = Clock::now();
      accept();
      look();
      context_.run();
    } catch (const std::exception& error) {
      events_.note(std::string("the ranks are not watched any more: ") + error.what());
    }
  }

  /// Once a tick.
  void look() {
    const auto now = Clock::now();
    const Clock::duration passed = now - std::exchange(looked_, now);
    if (!accepting_) accept();
    let_strangers_go(now);
    if (after_.line && !after_.line->greeted() && now - after_.called > greeting_patience) {
      after_.line->close();
      after_.line.reset();
    }
    if (!after_.line && !after_.left) call(now);
    for (Neighbour* each : {&after_, &before_}) {
      if (each->line) each->line->say(Word::beat);
      if (!each->left && !ends_) listen(*each, passed);
    }
    timer_.expires_after(tick_);
    timer_.async_wait([this](const error_code& failure) {
      if (!failure) look();
    });
  }

  void listen(Neighbour& neighbour, Clock::duration passed) {
    neighbour.silence.looked(passed);
    const auto counted = neighbour.silence.counted();
    if (!neighbour.known) {
      if (neighbour.noted || counted < silence_) return;
      neighbour.noted = true;
      if (&neighbour == &after_) note_unknown();
      return;
    }
    const Clock::duration limit =
        neighbour.ended ? std::max<Clock::duration>(silence_, launcher_patience) : silence_;
    if (counted >= limit + (&neighbour == &after_ ? Clock::duration{} : turn)) {
      tell_that_it_ends();
      events_.lost({.rank = neighbour.place.rank,
                    .host = neighbour.place.host,
                    .since = neighbour.since,
                    .seconds = std::chrono::duration<double>(counted).count(),
                    .ended = neighbour.ended});
    }
  }

  void note_unknown() {
    const RingPlace &self = ring_.self, &other = after_.place;
    std::string where;
    for (const std::string& address : other.addresses) where += " " + address;
    events_.note("rank " + std::to_string(self.rank) + " on " + self.host +
                 " does not reach rank " + std::to_string(other.rank) + " on " + other.host +
                 " at port " + std::to_string(other.port) + " of" + where +
                 ": they do not notice when one of them is lost");
  }

  void tell_that_it_ends() {
    ends_ = true;
    for (const Neighbour* each : {&after_, &before_}) {
      if (each->line) each->line->say(Word::ends);
    }
  }

  void call(Clock::time_point now) {
    if (endpoints_.empty()) return;
    const tcp::endpoint there = endpoints_[next_endpoint_++ % endpoints_.size()];
    after_.line = make_line(tcp::socket(context_), after_);
    after_.called = now;
    after_.line->call(there);
  }

  void accept() {
    accepting_ = true;
    acceptor_.async_accept([this](const error_code& failure, tcp::socket socket) {
      accepting_ = !failure;
      if (failure) return;  // tried again at the next look
      if (strangers_.size() == most_strangers) {
        strangers_.front().first->close();
        strangers_.erase(strangers_.begin());
      }
      strangers_.emplace_back(make_line(std::move(socket), before_), Clock::now());
      strangers_.back().first->answer();
      accept();
    });
  }

  void let_strangers_go(Clock::time_point now) {
    std::erase_if(strangers_, [&](const auto& each) {
      const bool late = now - each.second > greeting_patience;
      if (late) each.first->close();
      return late;
    });
  }

  LinePointer make_line(tcp::socket socket, Neighbour& neighbour) {
    const int self = ring_.self.rank, other = neighbour.place.rank;
    return std::make_shared<HeartbeatLine>(
        std::move(socket), greeting_of(ring_.token, self, other),
        greeting_of(ring_.token, other, self),
        HeartbeatLine::Events{
            .greeted = [this, &neighbour](HeartbeatLine& line) { greeted(neighbour, line); },
            .heard = [this, &neighbour](HeartbeatLine&, Word word) { heard(neighbour, word); },
            .ended = [this, &neighbour](HeartbeatLine& line) { ended(neighbour, line); }});
  }

  void greeted(Neighbour& neighbour, HeartbeatLine& line) {
    if (neighbour.line.get() != &line) {  // it came to the port
      if (neighbour.line) neighbour.line->close();
      neighbour.line = line.shared_from_this();
      std::erase_if(strangers_, [&](const auto& each) { return each.first.get() == &line; });
    }
    neighbour.known = true;
    neighbour.ended = false;
    heard(neighbour, Word::beat);
  }

  void heard(Neighbour& neighbour, Word word) {
    neighbour.silence.heard();
    neighbour.since = utc_now();
    if (word == Word::goodbye) neighbour.left = true;
    if (word != Word::ends || ends_) return;
    tell_that_it_ends();
    events_.ends();
  }

  void ended(Neighbour& neighbour, HeartbeatLine& line) {
    std::erase_if(strangers_, [&](const auto& each) { return each.first.get() == &line; });
    if (neighbour.line.get() != &line) return;
    neighbour.ended = neighbour.known;
    neighbour.line.reset();
  }

  asio::io_context context_;
  tcp::acceptor acceptor_;
  asio::steady_timer timer_;
  Ring ring_;
  HeartbeatEvents events_;
  Clock::duration silence_{}, tick_{};
  Clock::time_point looked_;
  Neighbour before_, after_;
  std::vector<tcp::endpoint> endpoints_;  ///< of the rank after this one
  size_t next_endpoint_ = 0;
  std::vector<std::pair<LinePointer, Clock::time_point>> strangers_;  ///< and since when
  bool accepting_ = false, ends_ = false;
  std::thread thread_;
};

Heartbeats::Heartbeats() : impl_(std::make_unique<Impl>()) {}
Heartbeats::~Heartbeats() = default;
uint16_t Heartbeats::port() const { return impl_->port(); }
void Heartbeats::start(const Ring& ring, std::chrono::milliseconds silence,
                       HeartbeatEvents events) {
  impl_->start(ring, silence, std::move(events));
}

}  // namespace explaind
