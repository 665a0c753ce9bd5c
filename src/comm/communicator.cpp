#include "comm/communicator.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <numeric>
#include <thread>
#include <utility>

#include "comm/check.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

constexpr int exchange_tag = 2;  // GroupAlarm has 1

}  // namespace

bool mpi_running() {
  int started = 0, finished = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&finished);
  return started != 0 && finished == 0;
}

void check_mpi(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(call, std::string(text, static_cast<size_t>(length)), "");
}

Communicator::Communicator(MPI_Comm comm, size_t largest) : largest_(largest) {
  check_mpi(MPI_Comm_dup(comm, &comm_), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  MPI_Comm_rank(comm_, &rank_);
  MPI_Comm_size(comm_, &size_);
}

Communicator Communicator::self() { return Communicator(MPI_COMM_SELF); }

Communicator::Communicator(Communicator&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)),
      rank_(other.rank_),
      size_(other.size_),
      largest_(other.largest_) {}

Communicator& Communicator::operator=(Communicator&& other) noexcept {
  std::swap(comm_, other.comm_);
  std::swap(rank_, other.rank_);
  std::swap(size_, other.size_);
  std::swap(largest_, other.largest_);
  return *this;
}

Communicator::~Communicator() {
  if (comm_ != MPI_COMM_NULL && mpi_running()) MPI_Comm_free(&comm_);
}

Communicator Communicator::split(int colour) const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, colour, rank_, &part), "MPI_Comm_split");
  Communicator made(part, largest_);
  check_mpi(MPI_Comm_free(&part), "MPI_Comm_free");
  return made;
}

HostPlace Communicator::on_host() const {
  MPI_Comm host = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &host),
            "MPI_Comm_split_type");
  HostPlace place;
  check_mpi(MPI_Comm_rank(host, &place.rank), "MPI_Comm_rank");
  check_mpi(MPI_Comm_size(host, &place.ranks), "MPI_Comm_size");
  check_mpi(MPI_Comm_free(&host), "MPI_Comm_free");
  return place;
}

void Communicator::barrier() const {
  // Polled, so that a rank that waits for long leaves its core to the others.
  MPI_Request request = MPI_REQUEST_NULL;
  check_mpi(MPI_Ibarrier(comm_, &request), "MPI_Ibarrier");
  for (int done = 0; done == 0;) {
    check_mpi(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
    if (done == 0) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
}

void Communicator::broadcast_bytes(void* data, size_t size, int root) const {
  auto* place = static_cast<std::byte*>(data);
  for (size_t first = 0; first < size; first += largest_) {
    check_mpi(MPI_Bcast(place + first, static_cast<int>(std::min(largest_, size - first)), MPI_BYTE,
                        root, comm_),
              "MPI_Bcast");
  }
}

void Communicator::broadcast(std::string& value, int root) const {
  auto size = static_cast<int64_t>(value.size());
  check_mpi(MPI_Bcast(&size, 1, MPI_INT64_T, root, comm_), "MPI_Bcast");
  value.resize(static_cast<size_t>(size));
  broadcast_bytes(value.data(), value.size(), root);
}

void Communicator::broadcast(std::span<double> values, int root) const {
  broadcast_bytes(values.data(), values.size_bytes(), root);
}

void Communicator::broadcast(std::vector<int64_t>& values, int root) const {
  std::array<int64_t, 1> count{static_cast<int64_t>(values.size())};
  broadcast(std::span<int64_t>(count), root);
  values.resize(static_cast<size_t>(count[0]));
  broadcast(std::span<int64_t>(values), root);
}

void Communicator::broadcast(std::span<int64_t> values, int root) const {
  broadcast_bytes(values.data(), values.size_bytes(), root);
}

int64_t Communicator::minimum(int64_t value) const {
  int64_t least = value;
  check_mpi(MPI_Allreduce(&value, &least, 1, MPI_INT64_T, MPI_MIN, comm_), "MPI_Allreduce");
  return least;
}

double Communicator::maximum(double value) const {
  double most = value;
  check_mpi(MPI_Allreduce(&value, &most, 1, MPI_DOUBLE, MPI_MAX, comm_), "MPI_Allreduce");
  return most;
}

std::vector<int64_t> Communicator::counts_of_ranks(size_t own) const {
  std::vector<int64_t> counts(static_cast<size_t>(size_));
  const auto count = static_cast<int64_t>(own);
  // NOLINTNEXTLINE(mpi-type-mismatch): clang-tidy 14 takes int64_t for another type
  check_mpi(MPI_Allgather(&count, 1, MPI_INT64_T, counts.data(), 1, MPI_INT64_T, comm_),
            "MPI_Allgather");
  return counts;
}

void Communicator::gather_bytes(std::span<const std::byte> own,
                                const std::vector<std::span<std::byte>>& all) const {
  size_t total = 0;
  for (const std::span<std::byte>& each : all) total += each.size();
  if (total > largest_) {
    const auto rank = static_cast<size_t>(rank_);
    std::copy(own.begin(), own.end(), all[rank].begin());
    for (size_t i = 0; i < all.size(); ++i) {
      broadcast_bytes(all[i].data(), all[i].size(), static_cast<int>(i));
    }
    return;
  }
  std::vector<int> counts, offsets;
  for (const std::span<std::byte>& each : all) {
    offsets.push_back(offsets.empty() ? 0 : offsets.back() + counts.back());
    counts.push_back(static_cast<int>(each.size()));
  }
  std::vector<std::byte> joined(total);
  check_mpi(MPI_Allgatherv(own.data(), static_cast<int>(own.size()), MPI_BYTE, joined.data(),
                           counts.data(), offsets.data(), MPI_BYTE, comm_),
            "MPI_Allgatherv");
  for (size_t i = 0; i < all.size(); ++i) {
    std::copy_n(joined.begin() + offsets[i], counts[i], all[i].begin());
  }
}

std::vector<std::vector<double>> Communicator::exchange(std::span<const double> values,
                                                        const std::vector<int64_t>& counts) const {
  const auto ranks = static_cast<size_t>(size_);
  std::vector<int64_t> taken(ranks);
  // NOLINTNEXTLINE(mpi-type-mismatch): clang-tidy 14 takes int64_t for another type
  check_mpi(MPI_Alltoall(counts.data(), 1, MPI_INT64_T, taken.data(), 1, MPI_INT64_T, comm_),
            "MPI_Alltoall");
  std::vector<std::vector<double>> received(ranks);
  std::vector<MPI_Request> requests;
  const auto piece = static_cast<int64_t>(std::max<size_t>(1, largest_ / sizeof(double)));
  /// Calls `move(first, count, request)` for pieces of n numbers.
  const auto in_pieces = [&](int64_t n, auto move) {
    for (int64_t first = 0; first < n; first += piece) {
      requests.push_back(MPI_REQUEST_NULL);
      move(first, static_cast<int>(std::min(piece, n - first)), &requests.back());
    }
  };
  const double* own = values.data();
  for (size_t i = 0; i < ranks; ++i) {  // the receives first: what is sent then has its place
    received[i].resize(static_cast<size_t>(taken[i]));
    if (static_cast<int>(i) == rank_) continue;
    in_pieces(taken[i], [&](int64_t first, int count, MPI_Request* request) {
      check_mpi(MPI_Irecv(received[i].data() + first, count, MPI_DOUBLE, static_cast<int>(i),
                          exchange_tag, comm_, request),
                "MPI_Irecv");
    });
  }
  for (size_t i = 0; i < ranks; own += counts[i++]) {
    if (static_cast<int>(i) == rank_) {
      std::copy_n(own, counts[i], received[i].data());
      continue;
    }
    in_pieces(counts[i], [&](int64_t first, int count, MPI_Request* request) {
      check_mpi(MPI_Isend(own + first, count, MPI_DOUBLE, static_cast<int>(i), exchange_tag, comm_,
                          request),
                "MPI_Isend");
    });
  }
  check_mpi(MPI_Waitall(static_cast<int>(requests.size()), requests.data(), MPI_STATUSES_IGNORE),
            "MPI_Waitall");
  return received;
}

void abort_job(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

}  // namespace explaind
