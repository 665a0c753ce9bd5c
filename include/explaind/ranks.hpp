#pragma once
// The processes that compute together.

#include <functional>
#include <memory>

namespace explaind::v1 {

/// The ranks of an MPI job, or one process alone.
class Ranks {
 public:
  [[nodiscard]] int rank() const;
  [[nodiscard]] int size() const;

  class Impl;
  explicit Ranks(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  [[nodiscard]] const Impl& impl() const { return *impl_; }

 private:
  std::shared_ptr<const Impl> impl_;
};

/// Begins MPI, runs `body` on every rank, and ends MPI. Once in a process, and before anything else
/// of this library. Returns the exit code of the job, the same on all ranks: the largest that a
/// body returned, or that of the error one of them threw; its message is on standard error then,
/// once. A rank of which the others hear nothing for 60 s ends the job on all ranks: exit code 70.
/// @collective over all processes of the job
int run(int argc, char** argv, const std::function<int(const Ranks&)>& body);

}  // namespace explaind::v1
