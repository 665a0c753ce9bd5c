#include "comm/heartbeat_line.hpp"

#include <fcntl.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/system/error_code.hpp>
#include <cstddef>
#include <string_view>
#include <utility>

namespace explaind {

namespace {

namespace asio = boost::asio;
using boost::system::error_code;

}  // namespace

Greeting greeting_of(const std::array<unsigned char, 16>& token, int from, int to) {
  Greeting greeting{};
  auto* place = greeting.data();
  for (const char letter : std::string_view("XHB1")) *place++ = static_cast<unsigned char>(letter);
  for (const unsigned char byte : token) *place++ = byte;
  for (const int rank : {from, to}) {
    for (int shift = 24; shift >= 0; shift -= 8) {
      *place++ = static_cast<unsigned char>(static_cast<uint32_t>(rank) >> shift);
    }
  }
  return greeting;
}

HeartbeatLine::HeartbeatLine(Socket socket, const Greeting& mine, const Greeting& expected,
                             Events events)
    : socket_(std::move(socket)), mine_(mine), expected_(expected), events_(std::move(events)) {}

void HeartbeatLine::set_up() {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  // A command that the program starts must not keep the connection open when the program is gone.
  fcntl(socket_.native_handle(), F_SETFD, FD_CLOEXEC);  // NOLINT: variadic in C
}

void HeartbeatLine::call(const asio::ip::tcp::endpoint& there) {
  socket_.async_connect(there, [self = shared_from_this()](const error_code& failure) {
    if (self->closed_) return;
    if (!failure) self->set_up();
    if (failure || !self->send(self->mine_.data(), self->mine_.size())) return self->end();
    self->await_greeting(false);
  });
}

void HeartbeatLine::answer() {
  set_up();
  await_greeting(true);
}

void HeartbeatLine::await_greeting(bool answers) {
  asio::async_read(
      socket_, asio::buffer(got_),
      [self = shared_from_this(), answers](const error_code& failure, size_t /*size*/) {
        if (self->closed_) return;
        if (failure || self->got_ != self->expected_) return self->end();
        if (answers && !self->send(self->mine_.data(), self->mine_.size())) return self->end();
        self->greeted_ = true;
        self->events_.greeted(*self);
        self->await_words();
      });
}

void HeartbeatLine::await_words() {
  if (closed_) return;
  socket_.async_read_some(asio::buffer(words_),
                          [self = shared_from_this()](const error_code& failure, size_t size) {
                            if (self->closed_) return;
                            if (failure) return self->end();
                            for (size_t i = 0; i < size && !self->closed_; ++i) {
                              self->events_.heard(*self, static_cast<Word>(self->words_[i]));
                            }
                            self->await_words();
                          });
}

void HeartbeatLine::say(Word word) {
  const auto byte = static_cast<unsigned char>(word);
  if (greeted_ && !closed_) send(&byte, 1);
}

bool HeartbeatLine::send(const unsigned char* bytes, size_t size) {
  error_code failure;
  return socket_.send(asio::buffer(bytes, size), 0, failure) == size;
}

void HeartbeatLine::end() {
  close();
  events_.ended(*this);
}

void HeartbeatLine::close() {
  closed_ = true;
  error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);  // what was said last still arrives
  socket_.close(ignored);
}

}  // namespace explaind
