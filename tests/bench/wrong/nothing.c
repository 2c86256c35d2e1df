/* A shared object without malloc. */
void nothing(void);
void nothing(void) {}
