#include "comm/nccl_collectives.hpp"

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "comm/group_alarm.hpp"
#include "comm/nccl_library.hpp"
#include "core/error.hpp"

namespace explaind {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int nccl_alarm_tag = 1;
constexpr auto between_queries = std::chrono::microseconds(50);
constexpr auto nccl_closing_patience = std::chrono::seconds(1);

/// Thrown within this file: this rank waits for what will not come.
struct Abandoned {
  double seconds;
};

class NcclCollectives final : public Collectives {
 public:
  NcclCollectives(const Communicator& group, std::unique_ptr<DeviceQueue> queue,
                  const NcclOptions& options)
      : Collectives(group.rank(), group.size()),
        group_(group.get()),
        alarm_(group_, nccl_alarm_tag, options.listening),
        nccl_(options.library),
        queue_(std::move(queue)),
        deadline_(options.deadline) {}

  ~NcclCollectives() override {
    try {
      close();
    } catch (const std::exception&) {
      // The device has failed, and nothing can be said in a destructor.
    }
    leave();
    if (failure_ || !alarm_.parted()) group_.leave_open();
  }

  [[nodiscard]] bool on_device() const override { return true; }

  [[nodiscard]] ncclUniqueId make_id() const {
    ncclUniqueId id;
    check(nccl_.get_unique_id(&id), "ncclGetUniqueId");
    return id;
  }

  /// id: of rank 0.
  void join(const ncclUniqueId& id) {
    attempt("the start of NCCL", [&] {
      ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
      config.blocking = 0;
      check(nccl_.init_rank(&comm_, size(), id, rank(), &config), "ncclCommInitRankConfig");
      poll([] { return true; });
    });
  }

 private:
  void begin(Gather gather, const std::byte* mine, size_t bytes, std::byte* all) override {
    attempt(name(gather), [&] {
      poll([] { return true; });  // NCCL takes one call at a time
      settle();
      queue_->follow();
      check(nccl_.all_gather(mine, all, bytes, ncclInt8, comm_,
                             static_cast<cudaStream_t>(queue_->stream())),
            "ncclAllGather");
      unmarked_ = true;
    });
  }

  void finish(Gather gather) override {
    if (gather < ended_) return;
    attempt(name(gather), [&] {
      poll([&] {
        settle();
        for (; !marks_.empty() && queue_->reached(marks_.front()); ++ended_) marks_.pop_front();
        return gather < ended_;
      });
    });
  }

  void give_up(const std::string& cause) override {
    if (failure_) return;
    failure_.emplace("", cause, "");
    alarm_.raise(cause);
    leave();
  }

  static std::string name(Gather gather) { return "gather " + std::to_string(gather); }

  /// NCCL's answer to what was asked of it last.
  [[nodiscard]] ncclResult_t state() const {
    ncclResult_t state = ncclSuccess;
    const ncclResult_t asked = nccl_.async_error(comm_, &state);
    return asked == ncclSuccess ? state : asked;
  }

  void check(ncclResult_t result, const char* call) const {
    if (result == ncclSuccess || result == ncclInProgress) return;
    std::string cause = nccl_.error_string(result);
    const char* more = comm_ == nullptr ? nullptr : nccl_.last_error(comm_);
    if (more != nullptr && *more != '\0') cause += std::string(" (") + more + ")";
    throw Error(call, cause, "");
  }

  /// Marks the end of a gather that NCCL has put on the stream by now.
  void settle() {
    if (std::exchange(unmarked_, false)) marks_.push_back(queue_->mark());
  }

  /// Returns once NCCL is at rest and `reached` says so. Throws Abandoned where that will not be.
  void poll(const std::function<bool()>& reached) {
    for (const auto start = Clock::now();; std::this_thread::sleep_for(between_queries)) {
      const ncclResult_t now = state();
      // A rank that gave up may have had other plans with its memory since.
      const bool lost = now == ncclRemoteError || alarm_.heard();
      if (!lost && now == ncclSuccess && reached()) return;
      if (lost || Clock::now() - start > deadline_) {
        throw Abandoned{std::chrono::duration<double>(Clock::now() - start).count()};
      }
      check(now, "NCCL");
    }
  }

  /// Where an action fails the others hear of it, and the communicator is left: what is under way
  /// in it ends then.
  template <typename Action>
  void attempt(const std::string& what, Action action) {
    if (failure_) throw Error(*failure_);
    try {
      action();
      return;
    } catch (const Abandoned& abandoned) {
      failure_.emplace(alarm_.conclude(what, abandoned.seconds));
    } catch (const Error& error) {
      failure_.emplace(error);
      alarm_.raise(error.what());
    }
    leave();
    throw Error(*failure_);
  }

  void leave() noexcept {
    if (comm_ != nullptr) nccl_.abort(std::exchange(comm_, nullptr));
  }

  /// Lets what is under way end, where it does, and gives the communicator back.
  void close() {
    const auto start = Clock::now();
    const auto ends = [&](auto&& done) {
      while (!done()) {
        if (Clock::now() - start > nccl_closing_patience) return false;
        std::this_thread::sleep_for(between_queries);
      }
      return true;
    };
    const auto at_rest = [&] { return state() != ncclInProgress; };
    const auto through = [&] { return marks_.empty() || queue_->reached(marks_.back()); };
    if (comm_ == nullptr || !ends(at_rest)) return;
    settle();
    if (!ends(through) || state() != ncclSuccess) return;
    nccl_.finalize(comm_);
    if (ends(at_rest)) nccl_.destroy(std::exchange(comm_, nullptr));
  }

  Communicator group_;
  GroupAlarm alarm_;
  NcclLibrary nccl_;
  std::unique_ptr<DeviceQueue> queue_;
  std::chrono::milliseconds deadline_;
  ncclComm_t comm_ = nullptr;
  bool unmarked_ = false;                ///< a gather is on its way to the stream
  std::deque<DeviceQueue::Mark> marks_;  ///< ends of the gathers under way
  Gather ended_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

bool nccl_built() { return true; }

std::unique_ptr<Collectives> make_nccl_collectives(const Communicator& group,
                                                   std::unique_ptr<DeviceQueue> queue,
                                                   const NcclOptions& options) {
  std::unique_ptr<NcclCollectives> made;
  ncclUniqueId id{};
  agree(group, [&] {
    made = std::make_unique<NcclCollectives>(group, std::move(queue), options);
    if (group.rank() == 0) id = made->make_id();
  });
  std::string text(id.internal, sizeof(id.internal));
  group.broadcast(text, 0);
  std::copy(text.begin(), text.end(), id.internal);
  // A rank whose start failed is not always heard before the others' has ended.
  agree(group, [&] { made->join(id); });
  return made;
}

}  // namespace explaind
