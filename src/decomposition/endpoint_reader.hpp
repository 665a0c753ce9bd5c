#pragma once
// Stored endpoints of what is opened next: mapped, or gathered from the ranks of a segment group.

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "comm/communicator.hpp"
#include "decomposition/parameter_source.hpp"

namespace explaind {

/// Gives the stored values of parts of the model.
class EndpointReader {
 public:
  virtual ~EndpointReader() = default;
  virtual void load(int64_t segment) = 0;
  /// Both endpoints of every part; the views live until the next call.
  virtual std::vector<Endpoints> read(const std::vector<ParameterRows>& parts) = 0;
  /// What is read next: may be fetched meanwhile.
  virtual void request(const std::vector<ParameterRows>& parts) = 0;
};

/// Out of the mapped files, whose pages the system may drop again. Not collective.
class MappedEndpoints final : public EndpointReader {
 public:
  /// trajectory: must outlive this.
  explicit MappedEndpoints(const Trajectory& trajectory) : trajectory_(trajectory) {}

  void load(int64_t segment) override { segment_ = segment; }
  std::vector<Endpoints> read(const std::vector<ParameterRows>& parts) override;
  /// Asks the system to read the pages ahead.
  void request(const std::vector<ParameterRows>& parts) override;

 private:
  const Trajectory& trajectory_;
  int64_t segment_ = -1;
};

/// Each rank of a group holds 1/size of the stored bytes of everything that is opened, of both
/// endpoints; read() gathers them whole. The share of an endpoint is read from the files once, and
/// kept while neighbouring segments need it.
class GatheredEndpoints final : public EndpointReader {
 public:
  /// Both must outlive this.
  GatheredEndpoints(const Trajectory& trajectory, const Communicator& group)
      : trajectory_(trajectory), group_(group) {}

  void load(int64_t segment) override;
  /// @collective over group, with the same parts in the same order
  std::vector<Endpoints> read(const std::vector<ParameterRows>& parts) override;
  void request(const std::vector<ParameterRows>& /*parts*/) override {}

  /// Bytes that this rank has received from others.
  [[nodiscard]] int64_t bytes_received() const { return bytes_received_; }

 private:
  using Bytes = std::vector<std::byte>;
  /// What was opened, named by its first part.
  using Key = std::pair<ParameterId, int64_t>;

  /// This rank's share of one endpoint of the parts, laid end to end.
  const Bytes& share(const std::vector<ParameterRows>& parts, bool to);

  const Trajectory& trajectory_;
  const Communicator& group_;
  int64_t segment_ = -1, bytes_received_ = 0;
  std::map<int64_t, std::map<Key, Bytes>> shares_;  ///< by point of the trajectory
  Bytes gathered_[2];                               ///< from, to
};

}  // namespace explaind
