#include "train/export.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "autograd/trainable_model.h"
#include "autograd/training_ops.h"
#include "base/mapped_file.h"
#include "formats/gguf_testing.h"
#include "kernels/dispatch.h"
#include "model/loader.h"
#include "model/model_testing.h"
#include "train/chat_template.h"
#include "train/document.h"
#include "train/micro_model_testing.h"
#include "train/trainer.h"

namespace sputnik {
namespace {

TEST(ExportModel, WhatIsLoadedAgainComputesTheLogitsOfTraining) {
  TestFolder folder;
  const nlohmann::json config = micro_config();
  TrainableModel model = std::move(TrainableModel::create(config, {0.05, 1})).value();
  const Tokenizer tokenizer = micro_tokenizer();
  Packer packer = micro_packer(tokenizer);
  ThreadPool pool(2);
  const kernels::KernelTable& kernels = *kernels::choose_table("").value();
  TrainerOptions options;
  options.n_steps = 8;
  options.learning_rate.warmup_steps = 2;
  options.batch = {200, 200, 0};
  options.precision = TrainingPrecision::kFloat32;
  Trainer trainer(model, packer, pool, kernels, options);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(trainer.step().ok());

  const auto exported = export_model(folder.path() / "model", config, "{}", *model.parameters,
                                     [](const Parameter& p) { return p.value; });
  ASSERT_TRUE(exported.ok()) << exported.error().message;
  const auto loaded = load_model(folder.path() / "model");
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;

  const std::vector<std::int32_t> tokens = {0, 3, 40, 50, 60, 70, 80, 4, 90, 100, 1};
  ModelRunner runner(*loaded.value().model, {});
  const std::vector<float> inference = runner.run(tokens);
  TrainingOps ops(kernels, pool, *model.parameters, {TrainingPrecision::kFloat32});
  Batch batch;
  batch.add(tokens, 0, {}, 0);
  const Tensor logits = model.model->forward(ops, batch);
  double largest = 0;
  for (std::int64_t t = 0; t < logits.n_tokens; ++t) {
    const auto row = static_cast<std::size_t>(t * 512);
    largest = std::max(largest, max_difference(std::span(logits.row(t), 512),
                                               std::span(inference).subspan(row, 512)));
  }
  EXPECT_LT(largest, 5e-5);

  const auto tokenizer_config =
      nlohmann::json::parse(read_file(folder.path() / "model" / "tokenizer_config.json").value());
  EXPECT_EQ(tokenizer_config["chat_template"], chat_template());
  EXPECT_EQ(tokenizer_config["eos_token"], ControlTokens::kEos);
}

}  // namespace
}  // namespace sputnik
