#include "planner/switched_workspace.hpp"

#include <memory>
#include <optional>
#include <utility>

#include "parameters/forwarded_parameters.hpp"

namespace explaind {
namespace {

/// What is computed with now.
class CurrentWorkspace {
 public:
  CurrentWorkspace(NetworksOfSegments networks, const Explained& explained,
                   const Computation& computation, const MemoryPlan& memory, Collectives& group)
      : networks_(std::move(networks)),
        explained_(explained),
        computation_(computation),
        memory_(memory),
        group_(group) {}

  void load(int64_t segment) {
    const size_t network = networks_.of(segment);
    if (!workspace_ || network != network_) {
      if (workspace_) opened_before_ += workspace_->parameters->bytes_opened();
      workspace_.reset();  // two at a time may not fit
      workspace_.emplace(*networks_.networks.at(network), explained_, computation_, memory_,
                         group_);
      network_ = network;
    }
    workspace_->parameters->load(segment);
  }
  /// By all workspaces so far.
  [[nodiscard]] int64_t bytes_opened() const {
    return opened_before_ + (workspace_ ? workspace_->parameters->bytes_opened() : 0);
  }
  [[nodiscard]] bool loaded() const { return workspace_.has_value(); }
  [[nodiscard]] ParameterSource& parameters() const { return *workspace_->parameters; }
  [[nodiscard]] Sweep& sweep() const { return *workspace_->sweep; }
  [[nodiscard]] const Computation& computation() const { return computation_; }

 private:
  NetworksOfSegments networks_;
  Explained explained_;
  Computation computation_;
  MemoryPlan memory_;
  Collectives& group_;
  std::optional<Workspace> workspace_;
  size_t network_ = 0;
  int64_t opened_before_ = 0;
};

class SwitchedParameters final : public ForwardedParameters {
 public:
  explicit SwitchedParameters(std::shared_ptr<CurrentWorkspace> current)
      : current_(std::move(current)) {}

  void load(int64_t segment) override { current_->load(segment); }
  [[nodiscard]] int64_t segment() const override {
    return current_->loaded() ? source().segment() : -1;
  }
  [[nodiscard]] int64_t bytes_opened() const override { return current_->bytes_opened(); }
  [[nodiscard]] const Precision& precision() const override {
    return current_->computation().precision;
  }
  [[nodiscard]] const Device& device() const override { return current_->computation().device; }

 private:
  [[nodiscard]] ParameterSource& source() const override { return current_->parameters(); }

  std::shared_ptr<CurrentWorkspace> current_;
};

class SwitchedSweep final : public Sweep {
 public:
  explicit SwitchedSweep(std::shared_ptr<CurrentWorkspace> current)
      : current_(std::move(current)) {}

  void run(const ChunkBatches& chunk, const std::vector<Ask>& asks,
           ScoreAccumulator& sink) override {
    current_->sweep().run(chunk, asks, sink);
  }
  [[nodiscard]] bool moves() const override { return current_->sweep().moves(); }
  [[nodiscard]] const Device& device() const override { return current_->computation().device; }

 private:
  std::shared_ptr<CurrentWorkspace> current_;
};

}  // namespace

Workspace switched_workspace(const NetworksOfSegments& networks, const Explained& explained,
                             const Computation& computation, const MemoryPlan& memory,
                             Collectives& group) {
  const auto current =
      std::make_shared<CurrentWorkspace>(networks, explained, computation, memory, group);
  return {std::make_unique<SwitchedParameters>(current), std::make_unique<SwitchedSweep>(current)};
}

}  // namespace explaind
