#pragma once
// Weight decay between checkpoints that hold nothing but weights: an estimate (method.md §6).

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "path/path.hpp"
#include "path/trajectory.hpp"

namespace explaind {

/// What AdamW's decoupled decay did between steps u and w, R ≈ λ Σ_{r=u}^{w−1} α_r θ(t_r), t_r =
/// (r−u)/(w−u), on the straight line θ(t) = θ_u + tΔ: one part, −R, of Δ. With A = Σ α_r and
/// B = Σ α_r t_r it is −λ (A − B) θ_u − λ B θ_w. Exact where the training moved along the line at
/// an even pace.
class EstimatedDecay final : public PathDirections {
 public:
  /// rate: α_r of step r. decays: λ of each parameter, 0 of those that do not decay.
  EstimatedDecay(std::shared_ptr<const Path> path, std::function<double(int64_t)> rate,
                 std::vector<double> decays);

  [[nodiscard]] int64_t count() const override { return 1; }
  [[nodiscard]] std::vector<StoredSum> between(const PointPair& pair,
                                               ParameterId parameter) const override;

 private:
  std::shared_ptr<const Path> path_;
  std::function<double(int64_t)> rate_;
  std::vector<double> decays_;
};

}  // namespace explaind
