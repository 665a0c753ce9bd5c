// What each kind of layer did to the loss on each group of samples, by as many processes as there
// are:
//   mpirun -n 2 series_scores SERIES SAMPLES.jsonl OUT.h5
#include <cstdio>
#include <explaind/explaind.hpp>

using namespace explaind::v1;

int main(int argc, char** argv) {
  return run(argc, argv, [&](const Ranks& ranks) {
    if (argc != 4) throw Error("usage: series_scores SERIES SAMPLES.jsonl OUT.h5", 2);
    const Subject series = Subject::open(ranks, argv[1]);

    Question question;
    question.set("samples", argv[2]).set("axes", "group").set("component", "kind");
    const Outcome outcome = decompose(ranks, series, question, argv[3]);
    if (ranks.rank() != 0) return 0;

    const Store store = Store::open(argv[3]);
    Query query;
    query.group_by = {"group", "kind"};
    const Table table = store.query(query);
    for (std::size_t row = 0; row < table.values.size(); ++row) {
      std::printf("%s,%s,%.9e,%s\n", table.keys[row][0].c_str(), table.keys[row][1].c_str(),
                  table.values[row], table.units.c_str());
    }
    return outcome.missed > 0 ? 3 : 0;
  });
}
