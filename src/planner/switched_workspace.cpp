#include "planner/switched_workspace.hpp"

#include <memory>
#include <optional>
#include <utility>

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

class SwitchedParameters final : public ParameterSource {
 public:
  explicit SwitchedParameters(std::shared_ptr<CurrentWorkspace> current)
      : current_(std::move(current)) {}

  void load(int64_t segment) override { current_->load(segment); }
  [[nodiscard]] int64_t segment() const override {
    return current_->loaded() ? source().segment() : -1;
  }
  [[nodiscard]] bool moves(ParameterId parameter) override { return source().moves(parameter); }
  [[nodiscard]] bool moves() override { return source().moves(); }
  void open(const std::vector<ParameterRows>& parts,
            const std::vector<ParameterRows>& next) override {
    source().open(parts, next);
  }
  void set_node(double t) override { source().set_node(t); }
  [[nodiscard]] const at::Tensor& weight(ParameterId parameter) const override {
    return source().weight(parameter);
  }
  [[nodiscard]] const at::Tensor& delta(ParameterId parameter) const override {
    return source().delta(parameter);
  }
  [[nodiscard]] at::Tensor weight_rows(ParameterId parameter, const at::Tensor& ids) override {
    return source().weight_rows(parameter, ids);
  }
  [[nodiscard]] at::Tensor delta_rows(ParameterId parameter, const at::Tensor& ids) override {
    return source().delta_rows(parameter, ids);
  }
  [[nodiscard]] const at::Tensor& direction(int64_t index, ParameterId parameter) override {
    return source().direction(index, parameter);
  }
  [[nodiscard]] at::Tensor direction_rows(int64_t index, ParameterId parameter,
                                          const at::Tensor& ids) override {
    return source().direction_rows(index, parameter, ids);
  }
  [[nodiscard]] int64_t bytes_opened() const override { return current_->bytes_opened(); }
  [[nodiscard]] const Precision& precision() const override {
    return current_->computation().precision;
  }
  [[nodiscard]] const Device& device() const override { return current_->computation().device; }

 private:
  [[nodiscard]] ParameterSource& source() const { return current_->parameters(); }

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
