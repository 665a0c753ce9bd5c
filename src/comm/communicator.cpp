#include "comm/communicator.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <thread>
#include <utility>

#include "comm/check.hpp"
#include "comm/launcher.hpp"
#include "core/error.hpp"
#include "core/unexpected.hpp"

namespace explaind {
namespace {

/// Handles must not be freed after MPI_Finalize, and nothing can be said in a destructor.
bool mpi_running() {
  int started = 0, finished = 0;
  MPI_Initialized(&started);
  MPI_Finalized(&finished);
  return started != 0 && finished == 0;
}

/// One call takes fewer than 2³¹ elements.
constexpr size_t largest_call = size_t{1} << 28;

template <typename T>
void broadcast_pieces(std::span<T> values, MPI_Datatype type, int root, MPI_Comm comm) {
  for (size_t first = 0; first < values.size(); first += largest_call) {
    const size_t count = std::min(largest_call, values.size() - first);
    check_mpi(MPI_Bcast(values.data() + first, static_cast<int>(count), type, root, comm),
              "MPI_Bcast");
  }
}

}  // namespace

void check_mpi(int status, const char* call) {
  if (status == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(status, text, &length);
  throw Error(call, std::string(text, static_cast<size_t>(length)), "");
}

MpiEnvironment::MpiEnvironment(int& argc, char**& argv) {
  const std::optional<LaunchedTasks> tasks = launched_tasks(std::getenv);
  if (tasks && tasks->launcher == "srun" && !tasks->pmix) {
    // Open MPI ends the process in MPI_Init where it finds srun without PMIx.
    require_single(tasks);
    for (const char* name : {"SLURM_JOBID", "SLURM_NODELIST", "SLURM_STEPID"}) unsetenv(name);
  }
  int provided = 0;
  check_mpi(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  if (provided < MPI_THREAD_MULTIPLE) {
    throw Error("MPI", "this MPI library does not support MPI_THREAD_MULTIPLE",
                "Use a build of Open MPI with thread support");
  }
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  int ranks = 1;
  check_mpi(MPI_Comm_size(MPI_COMM_WORLD, &ranks), "MPI_Comm_size");
  if (ranks > 1) return;
  try {
    require_single(tasks);
  } catch (const Error&) {
    MPI_Finalize();
    throw;
  }
}

MpiEnvironment::~MpiEnvironment() {
  if (mpi_running()) MPI_Finalize();
}

Communicator::Communicator(MPI_Comm comm) {
  check_mpi(MPI_Comm_dup(comm, &comm_), "MPI_Comm_dup");
  MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
  MPI_Comm_rank(comm_, &rank_);
  MPI_Comm_size(comm_, &size_);
}

Communicator Communicator::self() { return Communicator(MPI_COMM_SELF); }

Communicator::Communicator(Communicator&& other) noexcept
    : comm_(std::exchange(other.comm_, MPI_COMM_NULL)), rank_(other.rank_), size_(other.size_) {}

Communicator& Communicator::operator=(Communicator&& other) noexcept {
  std::swap(comm_, other.comm_);
  std::swap(rank_, other.rank_);
  std::swap(size_, other.size_);
  return *this;
}

Communicator::~Communicator() {
  if (comm_ != MPI_COMM_NULL && mpi_running()) MPI_Comm_free(&comm_);
}

Communicator Communicator::split(int colour) const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, colour, rank_, &part), "MPI_Comm_split");
  Communicator made(part);
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

void Communicator::broadcast(std::string& value, int root) const {
  auto size = static_cast<int64_t>(value.size());
  check_mpi(MPI_Bcast(&size, 1, MPI_INT64_T, root, comm_), "MPI_Bcast");
  value.resize(static_cast<size_t>(size));
  check_mpi(MPI_Bcast(value.data(), static_cast<int>(size), MPI_CHAR, root, comm_), "MPI_Bcast");
}

void Communicator::broadcast(std::span<double> values, int root) const {
  broadcast_pieces(values, MPI_DOUBLE, root, comm_);
}

void Communicator::broadcast(std::span<int64_t> values, int root) const {
  broadcast_pieces(values, MPI_INT64_T, root, comm_);
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

std::vector<std::string> Communicator::all_gather(const std::string& value) const {
  const auto ranks = static_cast<size_t>(size_);
  std::vector<int> lengths(ranks), offsets(ranks, 0);
  const int length = static_cast<int>(value.size());
  check_mpi(MPI_Allgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, comm_), "MPI_Allgather");
  std::partial_sum(lengths.begin(), lengths.end() - 1, offsets.begin() + 1);
  std::string joined(static_cast<size_t>(offsets.back() + lengths.back()), '\0');
  check_mpi(MPI_Allgatherv(value.data(), length, MPI_CHAR, joined.data(), lengths.data(),
                           offsets.data(), MPI_CHAR, comm_),
            "MPI_Allgatherv");
  std::vector<std::string> values;
  for (size_t i = 0; i < ranks; ++i) {
    values.push_back(
        joined.substr(static_cast<size_t>(offsets[i]), static_cast<size_t>(lengths[i])));
  }
  return values;
}

std::vector<std::vector<double>> Communicator::exchange(std::span<const double> values,
                                                        const std::vector<int64_t>& counts) const {
  const auto ranks = static_cast<size_t>(size_);
  const std::vector<int> given(counts.begin(), counts.end());
  std::vector<int> taken(ranks), from(ranks, 0), to(ranks, 0);
  check_mpi(MPI_Alltoall(given.data(), 1, MPI_INT, taken.data(), 1, MPI_INT, comm_),
            "MPI_Alltoall");
  std::partial_sum(given.begin(), given.end() - 1, from.begin() + 1);
  std::partial_sum(taken.begin(), taken.end() - 1, to.begin() + 1);
  std::vector<double> all(static_cast<size_t>(to.back() + taken.back()));
  check_mpi(MPI_Alltoallv(values.data(), given.data(), from.data(), MPI_DOUBLE, all.data(),
                          taken.data(), to.data(), MPI_DOUBLE, comm_),
            "MPI_Alltoallv");
  std::vector<std::vector<double>> received;
  for (size_t i = 0; i < ranks; ++i) {
    const auto first = all.begin() + to[i];
    received.emplace_back(first, first + taken[i]);
  }
  return received;
}

void agree(const Communicator& world, const std::function<void()>& action) {
  // "" is success; else the exit code's digit and the message. Every rank takes part, whatever
  // happened to it.
  std::string outcome;
  try {
    action();
  } catch (const Error& error) {
    outcome = std::to_string(static_cast<int>(error.exit_code())) + "\n" + error.what();
  } catch (const std::exception& error) {
    outcome = std::string("1\n") + message_of(error);
  }
  for (const std::string& each : world.all_gather(outcome)) {
    if (each.empty()) continue;
    const size_t split = each.find('\n');
    throw Error("", each.substr(split + 1), "",
                static_cast<ExitCode>(std::stoi(each.substr(0, split))));
  }
}

void abort_job(int code) {
  MPI_Abort(MPI_COMM_WORLD, code);
  std::_Exit(code);
}

}  // namespace explaind
