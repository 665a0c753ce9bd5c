#pragma once
// Stored endpoints in a device's memory.

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "parameters/endpoint_reader.hpp"
#include "tensors/upload.hpp"

namespace explaind {

/// What another reader gives, copied to a device as it is stored: two buffers in turn, so that the
/// next block travels while the device computes with the one before. Views are of device memory.
class UploadedEndpoints final : public EndpointReader {
 public:
  UploadedEndpoints(std::shared_ptr<EndpointReader> stored, const Device& device)
      : stored_(std::move(stored)), device_(device), upload_(device) {}

  void load(int64_t segment) override { stored_->load(segment); }
  /// Collective where the other reader is.
  std::vector<Endpoints> read(const std::vector<ParameterRows>& parts) override;
  void request(const std::vector<ParameterRows>& parts) override { stored_->request(parts); }

 private:
  std::shared_ptr<EndpointReader> stored_;
  Device device_;
  Upload upload_;
  std::array<at::Tensor, 2> buffers_;  ///< bytes
  std::array<Upload::Mark, 2>
      used_;  ///< when what was computed from a buffer was all in the stream
  size_t current_ = 0;
};

/// The stored values of both ends of a segment in a device's memory, of chosen parameters. What the
/// next segment shares with the one before is not copied again.
class DeviceEndpoints {
 public:
  /// trajectory: must outlive this.
  DeviceEndpoints(const Trajectory& trajectory, std::vector<ParameterId> parameters,
                  const Device& device)
      : trajectory_(trajectory),
        parameters_(std::move(parameters)),
        device_(device),
        upload_(device) {}

  void load(int64_t segment);
  /// Views of device memory. parameter: one of those chosen.
  [[nodiscard]] Endpoints endpoints(ParameterId parameter) const;

 private:
  using Point = std::map<ParameterId, at::Tensor>;  ///< bytes of each parameter

  const Trajectory& trajectory_;
  std::vector<ParameterId> parameters_;
  Device device_;
  Upload upload_;
  int64_t segment_ = -1;
  std::map<int64_t, Point> points_;  ///< by point of the trajectory
};

}  // namespace explaind
