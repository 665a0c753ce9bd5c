#include "comm/dispatcher.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

#include "comm/check.hpp"
#include "comm/dispatch_rule.hpp"
#include "core/error.hpp"
#include "core/standard_output.hpp"
#include "core/unexpected.hpp"

namespace explaind {
namespace {

// Messages to rank 0 carry one of these tags; every message is a text.
enum Tag : int { request_tag = 1, answer_tag, report_tag, failure_tag };

constexpr auto failure_deadline = std::chrono::seconds(5);

// What a request says: a client wants units, wants none since it was asked to stop, or wants to
// know whether it should stop.
const std::string wants_units, stops_itself = "stop", asks_whether = "whether";

void send(MPI_Comm comm, int to, Tag tag, const std::string& text) {
  check_mpi(MPI_Send(text.data(), static_cast<int>(text.size()), MPI_CHAR, to, tag, comm),
            "MPI_Send");
}

std::string receive(MPI_Comm comm, MPI_Message& message, const MPI_Status& status) {
  int size = 0;
  check_mpi(MPI_Get_count(&status, MPI_CHAR, &size), "MPI_Get_count");
  std::string text(static_cast<size_t>(size), '\0');
  check_mpi(MPI_Mrecv(text.data(), size, MPI_CHAR, &message, MPI_STATUS_IGNORE), "MPI_Mrecv");
  static_cast<void>(comm);
  return text;
}

}  // namespace

/// Rank 0's books, and the thread that serves the other ranks. Rank 0 itself comes without a
/// message: with two threads that send from one rank to the same rank, Open MPI 4.1 loses one now
/// and then.
class Dispatcher::Server {
 public:
  Server(const Communicator& comm, int clients, int64_t total, const StopFlag& stop,
         Finished finished)
      : comm_(comm),
        clients_(clients),
        total_(total),
        asked_here_(stop),
        finished_(std::move(finished)),
        thread_([this] { serve(); }) {}
  ~Server() {
    abandoned_ = true;
    join();
  }
  void join() {
    if (thread_.joinable()) thread_.join();
  }

  /// What a client is told.
  Answer answer(const std::string& request) {
    const std::scoped_lock lock(books_);
    if (request == stops_itself || asked_here_.raised()) stop_ = true;
    if (request == asks_whether) return {0, 0, stop_ ? 1 : 0};
    const bool stopping = stop_ && handed_out_ < total_;
    const int64_t left = stopping ? 0 : total_ - handed_out_;
    Answer answer{handed_out_, handed_out_ + units_of_range(left, clients_), stopping ? 1 : 0};
    if (left == 0) {
      ++dismissed_;
    } else {
      handed_out_ = answer[1];
    }
    return answer;
  }

  /// Says the first failure alone: several ranks may fail of one cause at the same time.
  [[noreturn]] void fail(const std::string& text, int code) {
    const std::scoped_lock lock(failed_);
    say_line(opening(code) + text);
    abort_job(code);
  }

  void hear(int64_t unit, int rank, const std::string& report) {
    const std::scoped_lock lock(books_);
    finished_(unit, rank, report);
  }

 private:
  void serve() {
    try {
      while (dismissed_ < clients_ && !abandoned_) {
        if (!serve_one()) std::this_thread::sleep_for(between_looks);
      }
    } catch (const std::exception& error) {
      fail("dispatcher: " + message_of(error), static_cast<int>(ExitCode::failure));
    }
  }

  bool serve_one() {
    int there = 0;
    MPI_Message message = MPI_MESSAGE_NULL;
    MPI_Status status;
    check_mpi(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm_.get(), &there, &message, &status),
              "MPI_Improbe");
    if (there == 0) return false;
    const std::string text = receive(comm_.get(), message, status);
    if (status.MPI_TAG == request_tag) {
      const Answer told = answer(text);
      check_mpi(MPI_Send(told.data(), 3, MPI_INT64_T, status.MPI_SOURCE, answer_tag, comm_.get()),
                "MPI_Send");
    } else if (status.MPI_TAG == report_tag) {
      const size_t split = text.find('\n');
      hear(std::stoll(text.substr(0, split)), status.MPI_SOURCE, text.substr(split + 1));
    } else if (status.MPI_TAG == failure_tag) {
      const size_t split = text.find('\n');
      fail(text.substr(split + 1), std::stoi(text.substr(0, split)));
    }
    return true;
  }

  const Communicator& comm_;
  int clients_;
  int64_t total_, handed_out_ = 0;
  const StopFlag& asked_here_;
  bool stop_ = false;
  std::atomic<int> dismissed_{0};
  std::atomic<bool> abandoned_{false};
  std::mutex books_;   ///< of handed_out_, stop_ and finished_
  std::mutex failed_;  ///< held to the end by who fails first
  Finished finished_;
  std::thread thread_;  // last: it starts when all else is there
};

Dispatcher::Dispatcher(const Communicator& world, int64_t total, const StopFlag& stop,
                       Finished finished, bool client)
    : comm_(world.get()), stop_(stop), ended_(!client) {
  const int asks = client ? 1 : 0;
  int clients = 0;
  check_mpi(MPI_Allreduce(&asks, &clients, 1, MPI_INT, MPI_SUM, comm_.get()), "MPI_Allreduce");
  if (comm_.rank() == 0) {
    server_ = std::make_unique<Server>(comm_, clients, total, stop, std::move(finished));
  }
}

Dispatcher::~Dispatcher() = default;

UnitRange Dispatcher::next() {
  if (ended_) return {};
  const Answer answer = ask(stopped_ || stop_.raised() ? stops_itself : wants_units);
  ended_ = answer[0] >= answer[1];
  stopped_ = stopped_ || answer[2] != 0;
  return {.begin = answer[0], .end = answer[1]};
}

bool Dispatcher::stops(bool asked) {
  if (!stopped_) {
    const auto now = std::chrono::steady_clock::now();
    if (asked || stop_.raised()) {
      stopped_ = true;
    } else if (server_ || now - asked_ >= stop_interval) {
      stopped_ = ask(asks_whether)[2] != 0;
    }
  }
  return stopped_;
}

Dispatcher::Answer Dispatcher::ask(const std::string& text) {
  asked_ = std::chrono::steady_clock::now();
  if (server_) return server_->answer(text);
  send(comm_.get(), 0, request_tag, text);
  Answer answer{};
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Irecv(answer.data(), 3, MPI_INT64_T, 0, answer_tag, comm_.get(), &request),
            "MPI_Irecv");
  for (int done = 0; done == 0;) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done == 0) std::this_thread::sleep_for(between_tries);
  }
  return answer;
}

void Dispatcher::report(int64_t unit, const std::string& text) {
  if (server_) {
    server_->hear(unit, 0, text);
    return;
  }
  send(comm_.get(), 0, report_tag, std::to_string(unit) + "\n" + text);
}

void Dispatcher::fail(int64_t unit, const std::string& message, ExitCode code) {
  const std::string text =
      "rank " + std::to_string(comm_.rank()) + ", unit " + std::to_string(unit) + ": " + message;
  // Alone there is nobody to be told, and what stands on the stack is cleared away.
  if (comm_.size() == 1) throw Error("", text, "", code);
  if (server_) server_->fail(text, static_cast<int>(code));
  try {
    send(comm_.get(), 0, failure_tag, std::to_string(static_cast<int>(code)) + "\n" + text);
    std::this_thread::sleep_for(failure_deadline);
  } catch (const std::exception&) {
    // Rank 0 cannot be told; this rank says it itself.
  }
  say_line(opening(static_cast<int>(code)) + text);
  abort_job(static_cast<int>(code));
}

void Dispatcher::finish() {
  while (!next().empty()) {
  }
  comm_.barrier();
  if (server_) server_->join();
  // A stop may have come between two ranks' last answers.
  int mine = stopped_ ? 1 : 0, any = 0;
  check_mpi(MPI_Allreduce(&mine, &any, 1, MPI_INT, MPI_MAX, comm_.get()), "MPI_Allreduce");
  stopped_ = any != 0;
}

}  // namespace explaind
