# Oracle of survey_r.json: R 4.2.2, survey 4.5. Rscript survey_r.R prints the numbers in the order of the file.
library(survey)
data(api)
designs <- list(
  apistrat       = svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat),
  apistrat_nofpc = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat),
  apiclus1       = svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1),
  apiclus1_nofpc = svydesign(id = ~dnum, weights = ~pw, data = apiclus1))
for (d in designs) {
  print(svymean(~api00 + enroll, d, deff = TRUE)); print(svymean(~stype, d)); print(svytotal(~enroll, d))
  print(svyratio(~api.stu, ~enroll, d)); print(svyby(~api00, ~stype + sch.wide, d, svymean, deff = TRUE))
  print(svymean(~api00, subset(d, emer > 20)))
  for (m in c("logit", "likelihood", "beta", "wilson")) print(svyciprop(~I(awards == "Yes"), d, method = m))
  print(svyquantile(~api00, d, c(.1, .25, .5, .75, .9), ci = TRUE))
  print(svychisq(~sch.wide + stype, d)); print(svyttest(api00 ~ I(awards == "Yes"), d))
  print(summary(svyglm(api00 ~ ell + meals + mobility, d)))
  print(summary(svyglm(I(awards == "Yes") ~ ell + meals + stype, d, family = quasibinomial())))
}
# Weights: clus1 with the population's school types, school-wide targets met, and awards.
types <- data.frame(stype = c("E", "H", "M"), Freq = c(4421, 755, 1018))
wide <- data.frame(sch.wide = c("No", "Yes"), Freq = c(1072, 5122))
awards <- as.data.frame(table(awards = apipop$awards))
raked <- rake(designs$apiclus1, list(~stype, ~sch.wide, ~awards), list(types, wide, awards),
              control = list(maxit = 500, epsilon = 1e-12))
print(svymean(~api00, raked)); print(svymean(~api00, trimWeights(raked, lower = 20, upper = 50)))
# Waves: survey_waves.csv stacks apisrs (api99) and apistrat (api00); the panel is apiclus1, api99 then api00.
