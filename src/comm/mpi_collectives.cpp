#include "comm/mpi_collectives.hpp"

#include <algorithm>
#include <cstring>

#include "comm/check.hpp"
#include "core/unexpected.hpp"

namespace explaind {
namespace {

constexpr int alarm_tag = 1, data_tag = 2;
constexpr auto poll_interval = std::chrono::microseconds(200);
constexpr auto closing_patience = std::chrono::seconds(1);

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

bool all_done(std::vector<MPI_Request>& requests) {
  int done = 0;
  check_mpi(
      MPI_Testall(static_cast<int>(requests.size()), requests.data(), &done, MPI_STATUSES_IGNORE),
      "MPI_Testall");
  return done != 0;
}

/// Throws what ended the thread. The message is made here: there may have been no memory for one.
[[noreturn]] void fail(const std::exception_ptr& failure, int64_t gather) {
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    throw Error(error);  // a copy for each thread that waits
  } catch (const std::exception& error) {
    throw Error("gather " + std::to_string(gather), message_of(error), "");
  }
}

}  // namespace

MpiCollectives::MpiCollectives(const Communicator& group, std::chrono::milliseconds deadline,
                               std::chrono::milliseconds listening)
    : Collectives(group.rank(), group.size()),
      comm_(group.get(), group.largest()),
      alarm_(comm_, alarm_tag, listening),
      deadline_(deadline) {}

MpiCollectives::~MpiCollectives() {
  {
    const std::scoped_lock lock(mutex_);
    closing_ = true;
  }
  work_.notify_one();
  if (thread_.joinable()) thread_.join();
  if (failure_ || !alarm_.parted()) comm_.leave_open();
}

void MpiCollectives::begin(Gather /*gather*/, const std::byte* mine, size_t bytes, std::byte* all) {
  {
    const std::scoped_lock lock(mutex_);
    if (failure_) fail(failure_, ended_);
    if (size() > 1) {
      waiting_.push_back({mine, bytes, all});
      if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
    } else {
      std::copy_n(mine, bytes, all);
      ++ended_;
    }
  }
  work_.notify_one();
}

void MpiCollectives::finish(Gather gather) {
  std::unique_lock lock(mutex_);
  const auto over = [&] { return ended_ > gather || failure_; };
  if (!done_.wait_for(lock, deadline_, over)) {
    late_ = true;  // the thread finds out who is missing
    done_.wait(lock, over);
  }
  if (ended_ <= gather) fail(failure_, ended_);
}

void MpiCollectives::give_up(const std::string& cause) {
  std::unique_lock lock(mutex_);
  if (failure_ || size() == 1) return;
  cause_ = cause;
  if (!thread_.joinable()) thread_ = std::thread([this] { serve(); });
  work_.notify_one();
  done_.wait(lock, [&] { return failure_ != nullptr; });
}

void MpiCollectives::serve() {
  std::unique_lock lock(mutex_);
  try {
    for (;;) {
      work_.wait(lock, [&] { return !waiting_.empty() || closing_ || cause_; });
      if (waiting_.empty() && !cause_) return;
      lock.unlock();
      look_around(0);
      lock.lock();
      const Transfer transfer = waiting_.front();
      lock.unlock();
      move(transfer);
      lock.lock();
      waiting_.pop_front();
      ++ended_;
      done_.notify_all();
    }
  } catch (...) {  // also bad_alloc: carried to who waits, without a word that would need memory
    if (!lock.owns_lock()) lock.lock();
    failure_ = std::current_exception();
  }
  done_.notify_all();
}

MpiCollectives::Requests MpiCollectives::post(const Transfer& transfer) const {
  Requests requests;
  // Neighbours first, so that not all ranks send to the same one at once.
  for (int step = 1; step < size(); ++step) {
    const int to = (rank() + step) % size(), from = (rank() + size() - step) % size();
    std::byte* place = transfer.all + static_cast<size_t>(from) * transfer.bytes;
    for (size_t first = 0; first < transfer.bytes; first += comm_.largest()) {
      const auto count = static_cast<int>(std::min(comm_.largest(), transfer.bytes - first));
      check_mpi(MPI_Irecv(place + first, count, MPI_BYTE, from, data_tag, comm_.get(),
                          &requests.receives.emplace_back(MPI_REQUEST_NULL)),
                "MPI_Irecv");
      check_mpi(MPI_Isend(transfer.mine + first, count, MPI_BYTE, to, data_tag, comm_.get(),
                          &requests.sends.emplace_back(MPI_REQUEST_NULL)),
                "MPI_Isend");
    }
  }
  return requests;
}

void MpiCollectives::move(const Transfer& transfer) {
  const auto start = Clock::now();
  Requests requests = post(transfer);
  std::memcpy(transfer.all + static_cast<size_t>(rank()) * transfer.bytes, transfer.mine,
              transfer.bytes);
  try {
    while (!all_done(requests.receives) || !all_done(requests.sends)) {
      look_around(since(start));
      std::this_thread::sleep_for(poll_interval);
    }
    // A rank that gave up may have had other plans with its memory since.
    look_around(since(start));
  } catch (const std::exception&) {
    // Nothing may be written any more where nobody waits. A receive that is in the middle of its
    // data has a second to end.
    for (MPI_Request& request : requests.receives) {
      if (request != MPI_REQUEST_NULL) MPI_Cancel(&request);
    }
    for (const auto now = Clock::now();
         !all_done(requests.receives) && Clock::now() - now < closing_patience;) {
      std::this_thread::sleep_for(poll_interval);
    }
    throw;
  }
}

void MpiCollectives::look_around(double seconds) {
  std::optional<std::string> cause;
  bool late = false, closing = false;
  Gather gather = 0;
  {
    const std::scoped_lock lock(mutex_);
    cause = cause_;
    late = late_;
    closing = closing_;
    gather = ended_;
  }
  if (cause) {
    alarm_.raise(*cause);
    throw Error("", *cause, "");
  }
  if (closing && seconds > std::chrono::duration<double>(closing_patience).count()) {
    throw Error("gather " + std::to_string(gather), "left before it was whole", "");
  }
  if (late || alarm_.heard()) {
    throw alarm_.conclude("gather " + std::to_string(gather), seconds);
  }
}

}  // namespace explaind
