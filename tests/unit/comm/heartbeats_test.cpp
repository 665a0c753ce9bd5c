// What ranks say to each other beside MPI. Neighbours are played by sockets of the test's own,
// which say what they are told to; nothing here depends on how fast the machine is.

#include "comm/heartbeats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/error_code.hpp>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "comm/heartbeat_line.hpp"
#include "comm/silence.hpp"

namespace explaind {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto silence = milliseconds(400);
constexpr std::array<unsigned char, 16> token{1, 2,  3,  4,  5,  6,  7,  8,
                                              9, 10, 11, 12, 13, 14, 15, 16};

TEST(Silence, IsCountedWhereOneLooksAndAtMostSoMuchALook) {
  Silence silent(seconds(2));
  silent.looked(seconds(1));
  silent.looked(seconds(90));  // this process was stopped
  EXPECT_EQ(silent.counted(), seconds(3));
  silent.heard();
  EXPECT_EQ(silent.counted(), seconds(0));
}

TEST(Greeting, IsWhatTheHeaderSays) {
  const Greeting greeting = greeting_of(token, 258, 70000);
  const std::vector<unsigned char> expected{'X', 'H', 'B', '1', 1,  2,  3, 4, 5, 6, 7, 8, 9,  10,
                                            11,  12,  13,  14,  15, 16, 0, 0, 1, 2, 0, 1, 17, 112};
  EXPECT_EQ(std::vector<unsigned char>(greeting.begin(), greeting.end()), expected);
}

/// What a rank has heard, and waiting for it.
class Record {
 public:
  HeartbeatEvents events() {
    return {.lost =
                [this](const LostRank& rank) {
                  add((rank.ended ? "ended " : "silent ") + std::to_string(rank.rank) + " on " +
                      rank.host);
                },
            .ends = [this] { add("ends"); },
            .note = [this](const std::string& text) { add("note: " + text); }};
  }
  /// Waits until something was heard.
  std::vector<std::string> wait() {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, seconds(60), [&] { return !heard_.empty(); }));
    return heard_;
  }
  std::vector<std::string> all() {
    const std::scoped_lock lock(mutex_);
    return heard_;
  }

 private:
  void add(const std::string& what) {
    const std::scoped_lock lock(mutex_);
    heard_.push_back(what);
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> heard_;
};

RingPlace place(int rank, uint16_t port) {
  return {
      .rank = rank, .host = "n" + std::to_string(rank), .port = port, .addresses = {"127.0.0.1"}};
}

/// Rank 0 of a ring of three; the others are the test.
class RankZero : public ::testing::Test {
 protected:
  void begin(milliseconds patience = silence) {
    beats_ = std::make_unique<Heartbeats>();
    beats_->start({.token = token,
                   .self = place(0, beats_->port()),
                   .before = place(2, 0),
                   .after = place(1, port_.local_endpoint().port())},
                  patience, record_.events());
  }
  /// Rank 2 calls and greets; true where it is greeted in turn.
  bool call(tcp::socket& before, const Greeting& greeting = greeting_of(token, 2, 0)) {
    before.connect(tcp::endpoint(asio::ip::address_v4::loopback(), beats_->port()));
    asio::write(before, asio::buffer(greeting));
    return is_greeted(before, greeting_of(token, 0, 2));
  }
  /// Rank 1 is called and greets.
  tcp::socket take_call() {
    tcp::socket after = port_.accept();
    EXPECT_TRUE(is_greeted(after, greeting_of(token, 0, 1)));
    asio::write(after, asio::buffer(greeting_of(token, 1, 0)));
    return after;
  }
  static bool is_greeted(tcp::socket& socket, const Greeting& expected) {
    Greeting got{};
    boost::system::error_code failure;
    asio::read(socket, asio::buffer(got), failure);
    return !failure && got == expected;
  }
  static void say(tcp::socket& socket, char word) {
    boost::system::error_code gone;
    asio::write(socket, asio::buffer(&word, 1), gone);
  }
  /// Reads beats until another word comes; 0 where the connection ends, '?' where nothing but beats
  /// come.
  static char next_word(tcp::socket& socket, int most_beats = 1000) {
    for (int i = 0; i < most_beats; ++i) {
      char word = 0;
      boost::system::error_code failure;
      if (asio::read(socket, asio::buffer(&word, 1), failure) != 1) return 0;
      if (word != 'b') return word;
    }
    return '?';
  }

  asio::io_context context_;
  tcp::acceptor port_{context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)};
  Record record_;
  std::unique_ptr<Heartbeats> beats_;
};

/// Beats on sockets as long as it lives.
class Beating {
 public:
  explicit Beating(std::vector<tcp::socket*> sockets)
      : thread_([this, sockets] {
          while (!ends_) {
            for (tcp::socket* each : sockets) {
              boost::system::error_code gone;
              asio::write(*each, asio::buffer("b", 1), gone);
            }
            std::this_thread::sleep_for(milliseconds(20));
          }
        }) {}
  ~Beating() { end(); }
  void end() {
    ends_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

TEST_F(RankZero, NamesTheOneAfterItAndTellsTheOneBefore) {
  begin();
  tcp::socket before(context_), after = take_call();
  ASSERT_TRUE(call(before));
  Beating beating({&before});
  EXPECT_THAT(record_.wait(), ElementsAre("silent 1 on n1"));
  EXPECT_EQ(next_word(before), 'e');
}

TEST_F(RankZero, NamesTheOneBeforeItAndTellsTheOneAfter) {
  begin();
  tcp::socket before(context_), after = take_call();
  ASSERT_TRUE(call(before));
  Beating beating({&after});
  EXPECT_THAT(record_.wait(), ElementsAre("silent 2 on n2"));
  EXPECT_EQ(next_word(after), 'e');
}

TEST_F(RankZero, LetsTheOtherNeighbourOfALostRankSpeak) {
  begin();
  tcp::socket before(context_), after = take_call();
  ASSERT_TRUE(call(before));
  Beating beating({&after});  // rank 2 is silent, which rank 1 …
  std::this_thread::sleep_for(silence + milliseconds(300));
  say(after, 'e');  // … has said first
  EXPECT_THAT(record_.wait(), ElementsAre("ends"));
}

TEST_F(RankZero, PassesOnThatTheJobEnds) {
  begin(seconds(10));
  tcp::socket before(context_), after = take_call();
  ASSERT_TRUE(call(before));
  say(after, 'e');
  EXPECT_THAT(record_.wait(), ElementsAre("ends"));
  EXPECT_EQ(next_word(before, 4), 'e') << "at once: a beat is half a second";
}

TEST_F(RankZero, BlamesNobodyWhoIsHeardOrSaysGoodbye) {
  begin(seconds(1));
  tcp::socket before(context_), after = take_call();
  ASSERT_TRUE(call(before));
  Beating beating({&before, &after});
  std::this_thread::sleep_for(milliseconds(1500));
  beating.end();
  say(before, 'g');
  say(after, 'g');
  std::this_thread::sleep_for(milliseconds(3300));  // longer than the silence and a turn
  EXPECT_THAT(record_.all(), ElementsAre());
}

TEST_F(RankZero, SaysGoodbye) {
  begin();
  tcp::socket before(context_), after = take_call();
  ASSERT_TRUE(call(before));
  std::this_thread::sleep_for(milliseconds(100));  // rank 1's greeting arrives
  beats_.reset();
  EXPECT_EQ(next_word(before), 'g');
  EXPECT_EQ(next_word(after), 'g');
}

TEST_F(RankZero, CallsAgainWhereAConnectionBreaks) {
  begin(seconds(1));
  tcp::socket before(context_), after = take_call();
  ASSERT_TRUE(call(before));
  Beating first({&before});
  for (int i = 0; i < 3; ++i) {
    after.close();
    after = take_call();
  }
  Beating second({&after});
  tcp::socket again(context_);
  EXPECT_TRUE(call(again)) << "the new connection takes the place of the old one";
  first.end();
  EXPECT_EQ(next_word(before), 0);
  Beating third({&again});
  std::this_thread::sleep_for(milliseconds(1500));
  EXPECT_THAT(record_.all(), ElementsAre());
}

TEST_F(RankZero, SaysThatAProcessIsGone) {
  begin();
  tcp::socket before(context_);
  {
    tcp::socket after = take_call();
    ASSERT_TRUE(call(before));
    port_.close();
  }
  Beating beating({&before});
  EXPECT_THAT(record_.wait(), ElementsAre("ended 1 on n1"));
}

TEST_F(RankZero, LetsStrangersGo) {
  begin(seconds(1));
  tcp::socket after = take_call(), before(context_);
  ASSERT_TRUE(call(before));
  Beating beating({&before, &after});
  std::array<unsigned char, 16> other = token;
  other.back() ^= 1;
  for (const Greeting& wrong :
       {greeting_of(other, 2, 0), greeting_of(token, 1, 0), greeting_of(token, 2, 1), Greeting{}}) {
    tcp::socket stranger(context_);
    EXPECT_FALSE(call(stranger, wrong)) << "is closed without an answer";
  }
  tcp::socket silent(context_), loud(context_);
  silent.connect(tcp::endpoint(asio::ip::address_v4::loopback(), beats_->port()));
  loud.connect(tcp::endpoint(asio::ip::address_v4::loopback(), beats_->port()));
  boost::system::error_code gone;
  asio::write(loud, asio::buffer(std::string(1 << 20, 'e')), gone);
  char word = 0;
  EXPECT_EQ(asio::read(silent, asio::buffer(&word, 1), gone), 0U) << "after a while";
  EXPECT_THAT(record_.all(), ElementsAre());
}

TEST_F(RankZero, OnlyNotesWhomItNeverReached) {
  port_.close();
  beats_ = std::make_unique<Heartbeats>();
  beats_->start({.token = token,
                 .self = place(0, beats_->port()),
                 .before = place(2, 0),
                 .after = place(1, 9)},
                silence, record_.events());
  EXPECT_THAT(record_.wait(),
              ElementsAre(HasSubstr("rank 0 on n0 does not reach rank 1 on n1 at port 9")));
  std::this_thread::sleep_for(seconds(1));
  EXPECT_EQ(record_.all().size(), 1U);
}

TEST(Heartbeats, OfARingHearEachOther) {
  std::vector<Record> records(3);
  std::vector<std::unique_ptr<Heartbeats>> ring;
  for (int i = 0; i < 3; ++i) ring.push_back(std::make_unique<Heartbeats>());
  const auto at = [&](int rank) { return place(rank, ring[static_cast<size_t>(rank)]->port()); };
  for (int i = 0; i < 3; ++i) {
    const auto rank = static_cast<size_t>(i);
    ring[rank]->start(
        {.token = token, .self = at(i), .before = at((i + 2) % 3), .after = at((i + 1) % 3)},
        seconds(1), records[rank].events());
  }
  std::this_thread::sleep_for(milliseconds(1500));
  for (Record& each : records) EXPECT_THAT(each.all(), ElementsAre());
}

}  // namespace
}  // namespace explaind
