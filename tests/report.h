/* What every Criterion suite shares. The closing line that all of them print,
   `N passed, N failed`, needs no call: linking report.c is enough. */
#ifndef REPORT_H
#define REPORT_H

/* Ends a test that takes longer than 30 seconds: call it in the suite's .init.
   (Criterion's own .timeout can hang the whole run when it fires.) */
void watchdog(void);

#endif
