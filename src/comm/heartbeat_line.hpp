#pragma once
// One connection of heartbeats.cpp: greetings, then single bytes.

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <cstdint>
#include <functional>
#include <memory>

namespace explaind {

/// What is said once both have greeted.
enum class Word : unsigned char {
  beat = 'b',     ///< I am here
  goodbye = 'g',  ///< I leave, and nothing is wrong
  ends = 'e',     ///< a rank is lost, and has been named: the job ends
};

/// "XHB1", the token, from, to (big endian).
using Greeting = std::array<unsigned char, 28>;
Greeting greeting_of(const std::array<unsigned char, 16>& token, int from, int to);

/// Handlers hold the line; its owner lets it go by close(). Nothing here waits.
class HeartbeatLine : public std::enable_shared_from_this<HeartbeatLine> {
 public:
  struct Events {
    std::function<void(HeartbeatLine&)> greeted;
    std::function<void(HeartbeatLine&, Word)> heard;
    /// Closed by the other end, or never opened, or by a stranger. Not after close().
    std::function<void(HeartbeatLine&)> ended;
  };
  using Socket = boost::asio::ip::tcp::socket;

  HeartbeatLine(Socket socket, const Greeting& mine, const Greeting& expected, Events events);

  /// Connects, and greets first.
  void call(const boost::asio::ip::tcp::endpoint& there);
  /// Is connected: waits to be greeted.
  void answer();
  /// Dropped where the other end takes nothing any more.
  void say(Word word);
  void close();
  [[nodiscard]] bool greeted() const { return greeted_; }

 private:
  void set_up();
  void await_greeting(bool answers);
  void await_words();
  void end();
  /// False where it could not be sent whole.
  bool send(const unsigned char* bytes, size_t size);

  Socket socket_;
  Greeting mine_, expected_, got_{};
  std::array<unsigned char, 64> words_{};
  Events events_;
  bool greeted_ = false, closed_ = false;
};

}  // namespace explaind
