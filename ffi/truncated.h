/* Files that are cut while they are mapped. */
#ifndef MILLRACE_TRUNCATED_H
#define MILLRACE_TRUNCATED_H

/* To be called before anything is mapped. */
void mr_survive_truncation(void);

#endif
