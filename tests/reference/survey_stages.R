# Oracle of survey_stages.json: R 4.2.2, survey 4.1-1 (Debian 12). Run: Rscript survey_stages.R
# Two fabricated two-stage samples (survey_stages.csv): a certainty (fpc 1 of 1) and residents alone in their
# community in "a"; a lonely stratum in "b". Totals z of y, s, a are moved on purpose.
suppressMessages(library(survey)); suppressMessages(library(jsonlite))
all <- read.csv("survey_stages.csv", stringsAsFactors = TRUE)
S <- function(x) list(est = unname(coef(x)), se = unname(as.vector(SE(x))))
B <- function(x) list(est = x$y, se = x$se)
out <- list()
for (k in c("a", "b")) {
  d <- droplevels(all[all$sample == k, ]); r <- list()
  for (lonely in c("remove", "adjust", "certainty")) {
    options(survey.lonely.psu = lonely)
    two <- svydesign(id = ~u + id, strata = ~h, fpc = ~N + M, weights = ~w, data = d)
    ps <- xtabs(w ~ s, d) * c(1.2, .9)
    post <- postStratify(two, ~s, as.data.frame(ps))
    linear <- calibrate(two, ~s + z - 1, c(sf = ps[[1]], sm = ps[[2]], z = sum(d$w * d$z) * 1.1), calfun = "linear")
    r[[lonely]] <- list(mean = S(svymean(~y, two)), total = S(svytotal(~y, two)), missing = S(svymean(~q, two, na.rm = TRUE)),
      by = B(svyby(~y, ~s, two, svymean)), post = S(svymean(~y, post)), post_by = B(svyby(~y, ~a, post, svymean)),
      linear = S(svymean(~y, linear)), linear_by = B(svyby(~y, ~a, linear, svymean)),
      trimmed = S(svymean(~y, trimWeights(post, lower = 1.5, upper = 4))),
      strict = S(svymean(~y, trimWeights(post, lower = 1.5, upper = 4, strict = TRUE))))
  }
  options(survey.lonely.psu = "remove")
  one <- svydesign(id = ~u, weights = ~w, data = d); jk <- as.svrepdesign(one, type = "JK1")
  r$JK1 <- c(S(svymean(~y, jk)), df = degf(jk))
  few <- droplevels(d[d$h %in% names(which(tapply(d$u, d$h, function(v) length(unique(v))) > 1)), ])
  jn <- as.svrepdesign(svydesign(id = ~u, strata = ~h, fpc = ~N, weights = ~w, data = few), type = "JKn")
  r$JKn <- c(S(svymean(~y, jn)), df = degf(jn))
  out[[k]] <- r
}
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE), "survey_stages.json")
