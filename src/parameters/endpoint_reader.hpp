#pragma once
// Stored endpoints of what is opened next: mapped, or gathered from the ranks of a segment group.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "comm/collectives.hpp"
#include "parameters/parameter_source.hpp"
#include "tensors/device.hpp"

namespace explaind {

/// Gives the stored values of parts of the model.
class EndpointReader {
 public:
  virtual ~EndpointReader() = default;
  virtual void load(int64_t segment) = 0;
  /// Both endpoints of every part; the views live until the next read() or load().
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
/// kept while neighbouring segments need it. What is requested is gathered while the caller works
/// with what it has: two blocks are held of each endpoint. Where the group gathers in its devices'
/// memory, shares, blocks and views are there.
///
/// Every rank reads and requests the same parts in the same order.
class GatheredEndpoints final : public EndpointReader {
 public:
  /// Both must outlive this.
  GatheredEndpoints(const Trajectory& trajectory, Collectives& group,
                    const Device& device = Device::cpu())
      : trajectory_(trajectory),
        group_(group),
        memory_(group.on_device() ? device : Device::cpu()) {}
  /// Leaves the group where a request is still under way: then something has gone wrong here.
  ~GatheredEndpoints() override;

  /// @collective over group
  void load(int64_t segment) override;
  /// The views live until the next read. A request for other parts is ended first, and dropped.
  /// @collective over group
  std::vector<Endpoints> read(const std::vector<ParameterRows>& parts) override;
  /// Gathers the parts meanwhile. @collective over group
  void request(const std::vector<ParameterRows>& parts) override;

 private:
  /// What was opened, named by its first part.
  using Key = std::pair<ParameterId, int64_t>;
  /// One endpoint of a block, laid end to end: every rank's share in turn.
  struct Gathered {
    at::Tensor bytes;
    Collectives::Gather gather = 0;
  };
  struct Block {
    std::vector<ParameterRows> parts;
    std::array<Gathered, 2> ends;  ///< from, to
  };

  /// This rank's share of one endpoint of the parts, laid end to end.
  const at::Tensor& share(const std::vector<ParameterRows>& parts, bool to);
  void start(const std::vector<ParameterRows>& parts);
  /// Waits for what was started last.
  void finish();

  const Trajectory& trajectory_;
  Collectives& group_;
  Device memory_;
  int64_t segment_ = -1;
  std::map<int64_t, std::map<Key, at::Tensor>> shares_;  ///< by point of the trajectory
  Block open_, requested_;
  bool under_way_ = false;  ///< requested_ is
};

}  // namespace explaind
