#include "job/run_totals.hpp"

#include <fmt/format.h>

#include <numeric>
#include <vector>

#include "core/byte_size.hpp"
#include "job/gather_share.hpp"
#include "parameters/block_parameters.hpp"

namespace explaind {

int64_t RunTotals::bytes_of_point() const {
  std::vector<ParameterId> read(problem_.model().parameters().size());
  std::iota(read.begin(), read.end(), ParameterId{0});
  if (source_ == Source::gathered) {  // rows that are looked up are not shared
    const Network& network = *problem_.network();
    read = {network.unembedding()};
    for (int64_t block = 0; block < network.blocks(); ++block) {
      const std::vector<ParameterId> used = network.block_parameters(block);
      read.insert(read.end(), used.begin(), used.end());
    }
  }
  int64_t bytes = 0;
  for (const ParameterId id : read) {
    bytes += static_cast<int64_t>(problem_.trajectory->endpoints(0, id).from.bytes);
  }
  return bytes;
}

void RunTotals::add(int64_t segment) {
  const PieceRange& pieces = problem_.pieces[static_cast<size_t>(segment)];
  for (int64_t piece = pieces.first; piece < pieces.last; ++piece) add_piece(piece);
}

void RunTotals::add_piece(int64_t piece) {
  if (piece == piece_) return;
  piece_ = piece;
  const std::set<int64_t> ends{problem_.trajectory->point(piece, false),
                               problem_.trajectory->point(piece, true)};
  if (source_ == Source::resident) bytes_read_ += 2 * bytes_of_point();
  if (source_ == Source::gathered) {  // a share of each endpoint that was not there yet
    for (const int64_t point : ends) {
      if (!points_.contains(point)) bytes_read_ += bytes_of_point() / shards_;
    }
  }
  points_ = ends;
}

void RunTotals::end(const ParameterSource& parameters, const GroupCollectives& group) {
  gathers_ = group.gathers->count();
  gathers_over_ = group.kind;
  seconds_ = std::chrono::duration<double>(Clock::now() - start_).count();
  if (source_ == Source::streamed) bytes_read_ = parameters.bytes_opened();
}

std::string RunTotals::line(const Communicator& world) const {
  const double seconds = world.maximum(seconds_);
  const double bytes = world.maximum(static_cast<double>(bytes_read_));
  const std::string gathers = gather_share(world, gathers_, gathers_over_, seconds_);
  return fmt::format("Units: {:.3f} s; weights read: {} (the most of any rank){}{}", seconds,
                     format_bytes(bytes), gathers.empty() ? "" : "\n", gathers);
}

}  // namespace explaind
