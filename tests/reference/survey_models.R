# Oracle of survey_models.json: R 4.2.2, survey 4.1-1, lme4 1.1-31, GPArotation 2022.10-2, base R's Harman23.cor.
# Rscript survey_models.R (in this folder) writes the file.
suppressPackageStartupMessages({library(survey); library(lme4); library(GPArotation); library(jsonlite)})
data(api)
designs <- list(
  apistrat       = svydesign(id = ~1, strata = ~stype, weights = ~pw, fpc = ~fpc, data = apistrat),
  apistrat_nofpc = svydesign(id = ~1, strata = ~stype, weights = ~pw, data = apistrat),
  apiclus1       = svydesign(id = ~dnum, weights = ~pw, fpc = ~fpc, data = apiclus1),
  apiclus1_nofpc = svydesign(id = ~dnum, weights = ~pw, data = apiclus1))

# Independence: first-order Rao-Scott, Wald, adjusted Wald.
independence <- lapply(designs, function(d) lapply(c(Chisq = "Chisq", Wald = "Wald", adjWald = "adjWald"), function(s) {
  t <- svychisq(~sch.wide + stype, d, statistic = s)
  list(statistic = as.numeric(t$statistic), df = as.numeric(t$parameter), p = as.numeric(t$p.value)) }))

# Ordered logit: level of api00 by thirds of a scale.
ordinal <- lapply(designs[c("apistrat", "apiclus1")], function(d) {
  d <- update(d, level = cut(api00, c(0, 550, 650, 750, 1000), labels = 1:4))
  m <- svyolr(level ~ meals + mobility + stype, d, control = list(reltol = 1e-15, maxit = 2000))
  list(coef = as.numeric(coef(m)), se = as.numeric(sqrt(diag(vcov(m)))), df = m$df.residual) })

# Factors of eight body measures of 305 girls.
f <- factanal(covmat = Harman23.cor, factors = 2, rotation = "none", control = list(opt = list(factr = 1, pgtol = 0)))
L <- matrix(f$loadings, 8)
v <- matrix(varimax(L, eps = 1e-15)$loadings, 8)
# stats::promax rotates to varimax itself, with a loose stop; these are its own lines from there on.
U <- lm.fit(v, v * abs(v)^3)$coefficients
U <- U %*% diag(sqrt(diag(solve(t(U) %*% U))))
o <- suppressWarnings(oblimin(L, eps = 1e-12, maxit = 100000))
factors <- list(cov = unname(Harman23.cor$cov), n = Harman23.cor$n.obs, uniqueness = as.numeric(f$uniquenesses),
  chi2 = as.numeric(f$STATISTIC), df = f$dof, p = as.numeric(f$PVAL), varimax = v, promax = unname(v %*% U),
  promax_phi = unname(solve(t(U) %*% U)), oblimin = matrix(o$loadings, 8), oblimin_phi = unname(o$Phi))

# Nested error model: variances by lme4; EBLUP and MSE written out with the matrices of the whole sample.
d <- read.csv("survey_unit.csv")
fit <- lmer(y ~ z + (1 | area), d, REML = TRUE)
s <- as.data.frame(VarCorr(fit)); A <- s$vcov[1]; S <- s$vcov[2]
y <- d$y; x <- cbind(1, d$z); Z <- model.matrix(~ factor(area) - 1, d); ZZ <- Z %*% t(Z); E <- diag(nrow(d))
V <- A * ZZ + S * E; Vi <- solve(V); Q <- solve(t(x) %*% Vi %*% x); b <- Q %*% t(x) %*% Vi %*% y
u <- A * t(Z) %*% Vi %*% (y - x %*% b); K <- list(ZZ, E); info <- matrix(0, 2, 2)
for (i in 1:2) for (j in 1:2) info[i, j] <- 0.5 * sum(diag(Vi %*% K[[i]] %*% Vi %*% K[[j]]))
areas <- t(sapply(sort(unique(d$area)), function(a) {
  z <- Z[, a]; l <- c(1, d$z_mean[d$area == a][1]); w <- function(t) as.vector(t[1] * solve(t[1] * ZZ + t[2] * E, z))
  g1 <- A - A^2 * t(z) %*% Vi %*% z; r <- l - t(x) %*% w(c(A, S)); h <- 1e-6
  D <- cbind(w(c(A + h, S)) - w(c(A - h, S)), w(c(A, S + h)) - w(c(A, S - h))) / (2 * h)
  c(sum(l * b) + u[a], g1 + t(r) %*% Q %*% r + 2 * sum(diag(t(D) %*% V %*% D %*% solve(info)))) }))
unit <- list(A = A, S = S, beta = as.numeric(b), beta_se = sqrt(diag(Q)), eblup = areas[, 1], mse = areas[, 2])

# Shapley (LMG) shares: mean gain in R^2 over all orders of entry, weighted least squares on apistrat.
items <- c("meals", "ell", "mobility", "emer")
a <- apistrat[rowSums(sapply(apistrat[items], `%in%`, 97:98)) == 0, ]  # 97 and 98 are no answers here
r2 <- function(v) if (length(v)) summary(lm(reformulate(v, "api00"), a, weights = pw))$r.squared else 0
orders <- as.matrix(expand.grid(1:4, 1:4, 1:4, 1:4)); orders <- orders[apply(orders, 1, function(p) !any(duplicated(p))), ]
gain <- sapply(1:4, function(i) mean(apply(orders, 1, function(p) {
  k <- which(p == i); r2(items[p[1:k]]) - r2(items[p[seq_len(k - 1)]]) })))
# Johnson's (2000) weights: the square root of the predictors' correlations carries them back.
C <- cov.wt(a[, c("api00", items)], a$pw, cor = TRUE)$cor; e <- eigen(C[-1, -1])
root <- e$vectors %*% diag(sqrt(e$values)) %*% t(e$vectors)
shares <- list(items = items, n = nrow(a), lmg = gain, johnson = as.numeric(root^2 %*% solve(root, C[-1, 1])^2))

writeLines(toJSON(list(source = "R 4.2.2; survey_models.R beside this file", independence = independence, ordinal = ordinal,
  factors = factors, unit = unit, shares = shares), digits = NA, auto_unbox = TRUE), "survey_models.json")
