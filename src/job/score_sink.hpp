#pragma once
// Where the scores of a job go.

#include "job/store_claim.hpp"
#include "scores/dense_slice.hpp"
#include "scores/tile.hpp"
#include "store/influence_store.hpp"

namespace explaind {

/// Called by one thread of a rank; not collective. Throws where something cannot be kept.
class ScoreSink {
 public:
  ScoreSink() = default;
  virtual ~ScoreSink() = default;
  ScoreSink(const ScoreSink&) = delete;
  ScoreSink& operator=(const ScoreSink&) = delete;

  /// Scores and certificates of a unit, whole when this returns.
  virtual void write(const ScoreTile& tile) = 0;
  /// Some of the scalars of a unit, which come before its tile.
  virtual void write_dense(const Unit& unit, const DenseSlice& slice) = 0;
};

/// An influence store that this run has claimed.
class StoreSink final : public ScoreSink {
 public:
  /// Both must outlive this.
  StoreSink(StoreWriter& writer, const StoreClaim& claim) : writer_(writer), claim_(claim) {}
  void write(const ScoreTile& tile) override {
    require_held();
    writer_.write(tile);
  }
  void write_dense(const Unit& unit, const DenseSlice& slice) override {
    require_held();
    writer_.write_dense(unit, slice);
  }
  /// Throws DataError where another run has taken the store; nothing more is written then.
  void require_held() {
    try {
      claim_.require_held();
    } catch (...) {
      writer_.abandon();
      throw;
    }
  }

 private:
  StoreWriter& writer_;
  const StoreClaim& claim_;
};

}  // namespace explaind
