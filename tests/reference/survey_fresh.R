# Oracle of survey_fresh.json: R 4.2.2, survey 4.1-1 (Debian 12). Run in this folder: Rscript survey_fresh.R
# survey_fresh.csv: 8 fabricated strata of 3 to 5 clusters, unequal weights. survey_fresh_waves.csv: two waves of two-stage
# samples with a certainty (c), a census (d), a lonely stratum (e) and names of units that repeat between strata.
suppressMessages({library(survey); library(jsonlite)})
one <- read.csv("survey_fresh.csv", stringsAsFactors = TRUE); one$a <- factor(one$a)
two <- read.csv("survey_fresh_waves.csv", stringsAsFactors = TRUE)
S <- function(x) list(est = unname(as.vector(coef(x))), se = unname(as.vector(as.matrix(SE(x)))))
test <- function(t) unname(c(t$statistic, t$parameter, t$p.value))
rules <- c("math", "school", "shahvaish", paste0("hf", 1:9)); ps <- c(.03, .1, .25, .4, .5, .77, .9)
designs <- list(cl = svydesign(id = ~u, strata = ~h, weights = ~w, data = one, nest = TRUE),
                fpc = svydesign(id = ~u, strata = ~h, weights = ~w, fpc = ~N, data = one))
out <- lapply(designs, function(d) {
  r <- list(mean = S(svymean(~y + x + t, d)), total = S(svytotal(~y + x + t, d)), ratio = S(svyratio(~y, ~t, d)),
    cov = unname(vcov(svymean(~y + x + t, d))), deff = unname(as.vector(deff(svymean(~y + x + t, d, deff = TRUE)))),
    by = S(svyby(~y, ~c, d, svymean)), by_total = S(svyby(~y, ~c + s, d, svytotal)),
    by_ratio = S(svyby(~y, ~c, denominator = ~t, design = d, svyratio)),
    contrasts = S(svycontrast(svyby(~y, ~c, d, svymean, covmat = TRUE), list(c(1, -1, 0), c(1, 0, -1), c(0, 1, -1)))))
  r$ci <- lapply(c(beta = "beta", xlogit = "xlogit"), function(m) lapply(c(b = "b", rare = "rare"), function(v)
    unname(as.vector(attr(svyciprop(reformulate(v), d, method = m, level = .8), "ci")))))
  r$quantile <- lapply(setNames(rules, rules), function(q) unname(as.vector(svyquantile(~y, d, ps, qrule = q, ci = FALSE)[[1]])))
  r$woodruff <- lapply(c(mean = "mean", xlogit = "xlogit", beta = "beta"), function(i)
    unname(as.matrix(svyquantile(~y, d, c(.25, .5, .77), qrule = "hf5", interval.type = i)[[1]])))
  r$independence <- lapply(c(F = "F", Chisq = "Chisq", Wald = "Wald", adjWald = "adjWald"), function(s)
    test(svychisq(~c + a, d, statistic = s)))
  r$ttest <- c(test(svyttest(y ~ s, d))); r$rank <- test(svyranktest(y ~ s, d)); r$ranks <- test(svyranktest(k ~ a, d))
  g <- svyglm(y ~ x + s, d); r$linear <- list(est = unname(coef(g)), se = unname(SE(g)), df = g$df.residual)
  g <- svyglm(b ~ x + c, d, family = quasibinomial(), control = list(epsilon = 1e-15, maxit = 100))
  r$logit <- list(est = unname(coef(g)), se = unname(SE(g)), df = g$df.residual)
  # Raking by calibrate(): R's rake() projects on margins without the start weights.
  totals <- c(cn = 400, cs = 500, cw = 350, sm = 550)
  cal <- function(t, f, how, ...) calibrate(d, f, t, calfun = how, maxit = 500, ...)
  w <- list(post = postStratify(d, ~c, data.frame(c = c("n", "s", "w"), Freq = c(400, 500, 350))),
    rake = cal(totals, ~c + s - 1, "raking", epsilon = 1e-13), linear = cal(c(totals, x = 20), ~c + s + x - 1, "linear", epsilon = 1e-13),
    raking = cal(c(totals, x = 20), ~c + s + x - 1, "raking", epsilon = 1e-13),
    logit = cal(c(totals, x = 20), ~c + s + x - 1, "logit", bounds = c(.2, 6), epsilon = 1e-12))
  w$trimmed <- trimWeights(w$rake, lower = 1, upper = 15); w$strict <- trimWeights(w$rake, lower = 1, upper = 15, strict = TRUE)
  w$again <- postStratify(w$rake, ~a, data.frame(a = c("1", "2", "3", "4"), Freq = c(300, 300, 320, 330)))
  r$weighted <- lapply(w, function(e) list(mean = S(svymean(~y, e)), total = S(svytotal(~y + t, e)), by = S(svyby(~y, ~a, e, svymean)),
    ratio = S(svyratio(~y, ~t, e)), linear = S(svyglm(y ~ x + s, e)), independence = test(svychisq(~s + b, e))))
  j <- as.svrepdesign(d, type = "JKn")
  r$JKn <- list(mean = S(svymean(~y + t, j)), by = S(svyby(~y, ~c, j, svymean)), ratio = S(svyratio(~y, ~t, j)), df = degf(j))
  k <- calibrate(j, ~c + s + x - 1, c(totals, x = 20), calfun = "linear", epsilon = 1e-13)
  k2 <- postStratify(j, ~c, data.frame(c = c("n", "s", "w"), Freq = c(400, 500, 350)))
  r$JKn_weighted <- list(linear = list(mean = S(svymean(~y + t, k)), total = S(svytotal(~y, k))),
    post = list(mean = S(svymean(~y + t, k2)), total = S(svytotal(~y, k2))))
  r })
rules <- c("remove", "certainty", "adjust", "average")
out$lonely <- lapply(setNames(rules, rules), function(l) { options(survey.lonely.psu = l)
  lapply(c("1" = 1, "2" = 2), function(v) { dd <- two[two$wave == v, ]
    d <- svydesign(id = ~u + id, strata = ~h, fpc = ~N + M, weights = ~w, data = dd, nest = TRUE)
    o <- svydesign(id = ~u, strata = ~h, fpc = ~N, weights = ~w, data = dd, nest = TRUE)
    list(mean = S(svymean(~y + x, d)), cov = unname(vcov(svymean(~y + x, d))), total = S(svytotal(~y, d)), ratio = S(svyratio(~y, ~x, d)),
      missing = S(svymean(~q, d, na.rm = TRUE)), by = S(svyby(~y, ~g, d, svymean)),
      one_stage = S(svymean(~y, o)), one_stage_total = S(svyby(~y, ~g, o, svytotal)), linear = S(svyglm(y ~ x + s, o)),
      independence = test(svychisq(~s + b, o))) }) })
options(survey.lonely.psu = "remove")
both <- two[two$h == "a" | (two$h == "b" & !two$u %in% c(1, 99)), ]  # units asked in both waves
d <- svydesign(id = ~u, strata = ~h, weights = ~w, data = droplevels(both), nest = TRUE)
k <- svycontrast(svyby(~y, ~wave, d, svymean, covmat = TRUE), c(-1, 1)); out$change <- c(S(k), df = degf(d))
k <- svycontrast(svyby(~y, ~wave + g, d, svymean, covmat = TRUE), list(c(-1, 1, 0, 0, 0, 0), c(0, 0, -1, 1, 0, 0), c(0, 0, 0, 0, -1, 1)))
out$change_by <- S(k)
writeLines(toJSON(out, digits = NA, auto_unbox = TRUE), "survey_fresh.json")
