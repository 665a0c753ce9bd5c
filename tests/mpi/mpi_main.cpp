// Runs a GoogleTest program on every rank of an MPI job: rank 0 reports, the others speak only of
// failures, and the exit code is the worst of all.

#include <gtest/gtest.h>

#include <cstring>
#include <iostream>
#include <string>

#include "comm/communicator.hpp"

namespace {

/// Failures of one rank, with its number.
class FailurePrinter : public ::testing::EmptyTestEventListener {
 public:
  explicit FailurePrinter(int rank) : rank_(rank) {}
  void OnTestPartResult(const ::testing::TestPartResult& result) override {
    if (!result.failed()) return;
    std::cerr << "rank " << rank_ << ": " << (result.file_name() ? result.file_name() : "") << ":"
              << result.line_number() << ": " << result.summary() << std::endl;
  }

 private:
  int rank_;
};

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  explaind::MpiEnvironment environment(argc, argv);
  const explaind::Communicator world(MPI_COMM_WORLD);
  int expected = 0;  // ranks that CTest asked for: a job of one rank, four times, would pass too
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--ranks=", 8) == 0) expected = std::stoi(argv[i] + 8);
  }
  if (world.size() != expected) {
    std::cerr << world.size() << " ranks, --ranks=" << expected << "\n";
    return 2;
  }
  if (world.rank() > 0) {
    auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
    delete listeners.Release(listeners.default_result_printer());
    listeners.Append(new FailurePrinter(world.rank()));
  }
  int code = RUN_ALL_TESTS();
  MPI_Allreduce(MPI_IN_PLACE, &code, 1, MPI_INT, MPI_MAX, world.get());
  return code;
}
